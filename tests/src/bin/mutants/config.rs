//! [`Config`]: what `.ci/mutants.toml` says of the tests.

use std::path::Path;

use serde::Deserialize;

use crate::problem::Problem;

/// Which tests must notice the mutants. What else the file says is for cargo-mutants alone.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(crate) struct Config {
    /// Their packages.
    #[serde(rename = "test_package")]
    pub(crate) packages: Vec<String>,
    /// What else `cargo test` is told.
    #[serde(rename = "additional_cargo_test_args")]
    pub(crate) arguments: Vec<String>,
    /// How they are built.
    pub(crate) profile: String,
}

impl Config {
    /// Reads that of a tree.
    pub(crate) fn of(tree: &Path) -> Result<Self, Problem> {
        let path = tree.join(".ci/mutants.toml");
        let text = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
        toml::from_str(&text).map_err(|cause| Problem::NoConfig { path, cause })
    }

    /// What `cargo test` is told.
    pub(crate) fn all(&self) -> Vec<String> {
        let packages = self.packages.iter().flat_map(|name| ["-p", name]);
        let arguments = self.arguments.iter().map(String::as_str);
        packages.chain(arguments).map(str::to_owned).collect()
    }
}

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
    }
}
