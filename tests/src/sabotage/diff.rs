//! [`Diff`]: a unified diff that is found by what stands around it.

/// A unified diff of one or more files.
///
/// Line numbers say nothing: a part is where its lines stand, and that must be one place, so that
/// a change elsewhere in the file does no harm, and one that matters is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    hunks: Vec<Hunk>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Hunk {
    file: String,
    old: String,
    new: String,
}

/// Why a diff cannot be read or applied.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DiffError {
    /// A line is not one of a diff.
    #[error("{line:?} is no line of a diff")]
    NotADiff {
        /// The line.
        line: String,
    },
    /// There is nothing to change.
    #[error("the diff changes nothing")]
    Empty,
    /// The lines that are to change are not there.
    #[error("{file} has no such lines any more:\n{lines}")]
    NotFound {
        /// The file.
        file: String,
        /// The lines, with those around them.
        lines: String,
    },
    /// They are there more than once.
    #[error("{file} has these lines more than once:\n{lines}")]
    Ambiguous {
        /// The file.
        file: String,
        /// The lines, with those around them.
        lines: String,
    },
}

impl Diff {
    /// Reads a diff.
    ///
    /// # Errors
    /// [`DiffError::NotADiff`] and [`DiffError::Empty`].
    pub fn parse(text: &str) -> Result<Self, DiffError> {
        let mut hunks: Vec<Hunk> = Vec::new();
        let mut file = None;
        for line in text.lines() {
            if line.starts_with("--- a/") {
                continue;
            }
            if let Some(path) = line.strip_prefix("+++ b/") {
                file = Some(path.to_owned());
                continue;
            }
            let not_a_diff = || DiffError::NotADiff {
                line: line.to_owned(),
            };
            if line.starts_with("@@") {
                hunks.push(Hunk {
                    file: file.clone().ok_or_else(not_a_diff)?,
                    old: String::new(),
                    new: String::new(),
                });
                continue;
            }
            let hunk = hunks.last_mut().ok_or_else(not_a_diff)?;
            // An editor may have taken the blank off an empty line.
            let (mark, rest) = line.split_at_checked(1).unwrap_or((" ", ""));
            if mark == " " || mark == "-" {
                hunk.old += rest;
                hunk.old.push('\n');
            }
            if mark == " " || mark == "+" {
                hunk.new += rest;
                hunk.new.push('\n');
            }
            if ![" ", "-", "+"].contains(&mark) {
                return Err(not_a_diff());
            }
        }
        if hunks.iter().all(|hunk| hunk.old == hunk.new) {
            return Err(DiffError::Empty);
        }
        Ok(Self { hunks })
    }

    /// The files that it changes.
    pub fn files(&self) -> Vec<&str> {
        let mut files: Vec<_> = self.hunks.iter().map(|hunk| &*hunk.file).collect();
        files.dedup();
        files
    }

    /// The text of a file with the change.
    ///
    /// # Errors
    /// [`DiffError::NotFound`] and [`DiffError::Ambiguous`].
    pub fn apply(&self, file: &str, text: &str) -> Result<String, DiffError> {
        let mut text = text.to_owned();
        for hunk in self.hunks.iter().filter(|hunk| hunk.file == file) {
            let is_at_line = |at: &usize| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n');
            let places = text.match_indices(&hunk.old).map(|(at, _)| at);
            let mut places = places.filter(is_at_line);
            let (file, lines) = (file.to_owned(), hunk.old.clone());
            let Some(at) = places.next() else {
                return Err(DiffError::NotFound { file, lines });
            };
            if places.next().is_some() {
                return Err(DiffError::Ambiguous { file, lines });
            }
            drop(places);
            text.replace_range(at..at + hunk.old.len(), &hunk.new);
        }
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIFF: &str = "--- a/x.rs\n+++ b/x.rs\n@@ -1,3 +1,2 @@\n one\n-two\n three\n\
                        @@ -9 +8 @@\n-six\n+nine\n";

    #[test]
    fn a_diff_is_applied_wherever_its_lines_stand() {
        let diff = Diff::parse(DIFF).expect("it is one");
        assert_eq!(diff.files(), ["x.rs"]);
        let text = "new\n\none\ntwo\nthree\nsix\n";
        assert_eq!(
            diff.apply("x.rs", text),
            Ok("new\n\none\nthree\nnine\n".into())
        );
        assert_eq!(diff.apply("y.rs", text), Ok(text.into()));
    }

    #[test]
    fn lines_that_are_gone_or_not_unique_are_told() {
        let diff = Diff::parse(DIFF).expect("it is one");
        let missing = diff.apply("x.rs", "one\n2\nthree\nsix\n");
        let text = "one\ntwo\nthree\n";
        assert!(matches!(missing, Err(DiffError::NotFound { lines, .. }) if lines == text));
        let twice = diff.apply("x.rs", "one\ntwo\nthree\nsix\nsix\n");
        assert!(matches!(twice, Err(DiffError::Ambiguous { lines, .. }) if lines == "six\n"));
        let inside = diff.apply("x.rs", "one\ntwo\nthree\nfifty-six\n");
        assert!(
            matches!(inside, Err(DiffError::NotFound { .. })),
            "{inside:?}"
        );
    }

    #[test]
    fn what_is_no_diff_is_refused() {
        for text in ["no diff", "@@ -1 +1 @@\n-a\n", "+++ b/x\n@@ @@\nstray"] {
            assert!(
                matches!(Diff::parse(text), Err(DiffError::NotADiff { .. })),
                "{text}"
            );
        }
        assert_eq!(Diff::parse(""), Err(DiffError::Empty));
        assert_eq!(
            Diff::parse("+++ b/x\n@@ @@\n same\n"),
            Err(DiffError::Empty)
        );
    }
}
