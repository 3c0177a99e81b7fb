//! Machine tests of the HTTP connection, with exact bytes.
