//! [`Config`]: what `.ci/mutants.toml` says of the tests.

use std::path::Path;

use crate::problem::Problem;

/// Which tests must notice the mutants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Config {
    /// Their packages.
    pub(crate) packages: Vec<String>,
    /// What else `cargo test` is told.
    pub(crate) arguments: Vec<String>,
    /// How they are built.
    pub(crate) profile: String,
}

impl Config {
    /// Reads that of a tree.
    pub(crate) fn of(tree: &Path) -> Result<Self, Problem> {
        let path = tree.join(FILE);
        let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
        let profiles = strings(&text, "profile")?;
        Ok(Self {
            packages: strings(&text, "test_package")?,
            arguments: strings(&text, "additional_cargo_test_args")?,
            profile: profiles.concat(),
        })
    }
}

/// The strings of a key that stands at the beginning of a line: one, or a list over lines, in which
/// nothing else is quoted.
fn strings(text: &str, key: &'static str) -> Result<Vec<String>, Problem> {
    let missing = Problem::NoKey { file: FILE, key };
    let mut lines = text.lines();
    let begin = |line: &str| {
        line.strip_prefix(key)?
            .trim_start()
            .strip_prefix('=')
            .map(str::to_owned)
    };
    let Some(mut value) = lines.by_ref().find_map(begin) else {
        return Err(missing);
    };
    if value.contains('[') && !value.contains(']') {
        let ends = |line: &&str| !line.starts_with(']');
        value.extend(lines.take_while(ends));
    }
    let quoted = value.split('"').skip(1).step_by(2);
    Ok(quoted.map(str::to_owned).collect())
}

const FILE: &str = ".ci/mutants.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_of_the_tree_is_read() {
        let tree = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let config = Config::of(&tree).expect("it is there");
        assert_eq!(config.packages, ["lavapool-core", "lavapool-tests"]);
        assert_eq!(config.profile, "mutants");
        assert_eq!(config.arguments.first().map(String::as_str), Some("--lib"));
        assert!(config.arguments.len() > 10, "{:?}", config.arguments);
        let all = |text: &String| text.starts_with("--");
        assert!(config.arguments.iter().all(all), "{:?}", config.arguments);
    }

    #[test]
    fn a_list_of_one_line_ends_with_it() {
        let text = "one = [\"a\", \"b\"]\nother = \"c\"\n";
        assert_eq!(strings(text, "other").ok(), Some(vec!["c".to_owned()]));
        assert!(strings(text, "third").is_err());
    }
}
