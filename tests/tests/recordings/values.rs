//! Values of note.
