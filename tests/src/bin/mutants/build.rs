//! [`Build`]: all mutants in one core, but for those that do not compile so.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use lavapool_tests::sabotage::Tree;

use serde::{Deserialize, Serialize};

use crate::blame::{Blame, Line, Message};
use crate::config::Config;
use crate::list::{Mutant, cargo};
use crate::places::{const_name, switch};
use crate::problem::Problem;
use crate::switched::Switched;

/// A core that can be any of its mutants.
pub(crate) struct Build<'a> {
    pub(crate) tree: &'a Tree,
    mutants: &'a [Mutant],
    pub(crate) known: Known,
    files: BTreeMap<String, Switched>,
}

/// What the compiler was found not to bear.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    /// The core that it was found for, and its mutants.
    list: String,
    /// What cannot be switched.
    pub(crate) aside: BTreeMap<u32, Aside>,
    /// The functions that must stay `const`.
    constants: BTreeSet<String>,
}

/// Why a mutant cannot be switched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Aside {
    /// What the compiler said, or this program.
    pub(crate) why: String,
    /// Whether it does not compile without a switch either.
    pub(crate) is_unviable: bool,
}

impl Aside {
    fn here(why: &str) -> Self {
        Self {
            why: why.to_owned(),
            is_unviable: false,
        }
    }
}

/// A program of tests.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    /// Where it expects to be run.
    pub(crate) folder: PathBuf,
}

impl<'a> Build<'a> {
    /// Writes the mutants into the copy of the tree, and takes out what does not compile.
    pub(crate) fn new(tree: &'a Tree, mutants: &'a [Mutant], list: &str) -> Result<Self, Problem> {
        let mut build = Self {
            tree,
            mutants,
            known: Known::read(tree, list),
            files: BTreeMap::new(),
        };
        loop {
            build.write()?;
            let check = ["check", "--lib", "-p", "lavapool-core"];
            let check = build.cargo(&check, &["--features", "marks,recording"])?;
            if check.status.success() {
                build.known.write(tree)?;
                return Ok(build);
            }
            let blamed = build.take_out(&check)?;
            println!("{blamed} mutants cannot be switched so");
        }
    }

    /// Builds the programs of tests.
    pub(crate) fn programs(&mut self, config: &Config) -> Result<Vec<Program>, Problem> {
        loop {
            let built = self.tests(&config.profile, &config.all())?;
            if built.status.success() {
                self.known.write(self.tree)?;
                return Ok(lines(&built).filter_map(program).collect());
            }
            self.take_out(&built)?;
            self.write()?;
        }
    }

    /// Builds programs of tests of the core as it stands in the tree, or says why it is no Rust.
    pub(crate) fn plain_programs(
        &self,
        profile: &str,
        arguments: &[String],
    ) -> Result<Result<Vec<Program>, String>, Problem> {
        let built = self.tests(profile, arguments)?;
        if built.status.success() {
            return Ok(Ok(lines(&built).filter_map(program).collect()));
        }
        let mut errors = lines(&built).filter_map(|line| line.message);
        match errors.find_map(|message| message.error()) {
            Some(why) => Ok(Err(why)),
            None => Err(Problem::NoBlame {
                errors: String::from_utf8_lossy(&built.stderr).into_owned(),
            }),
        }
    }

    fn tests(&self, profile: &str, arguments: &[String]) -> Result<Output, Problem> {
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        self.cargo(&["test", "--no-run", "--profile", profile], &arguments)
    }

    /// Writes all files with what is switched in them.
    fn write(&mut self) -> Result<(), Problem> {
        let mut of_file: BTreeMap<&str, Vec<&Mutant>> = BTreeMap::new();
        for mutant in self.mutants {
            if !self.known.aside.contains_key(&mutant.number) {
                of_file.entry(&mutant.file).or_default().push(mutant);
            }
        }
        self.files.clear();
        for file in sources(self.tree.whole(), Path::new("core/src"))? {
            let path = self.tree.whole().join(&file);
            let source = std::fs::read_to_string(&path).map_err(Problem::at(&path))?;
            let mutants = of_file.remove(&*file).unwrap_or_default();
            let switched = switch(&source, &mutants, &self.known.constants).map_err(|cause| {
                let file = file.clone();
                Problem::NoRust { file, cause }
            })?;
            let mut text = switched.text.clone();
            if file == "core/src/lib.rs" {
                text += "\nmod switch;\nuse switch::mutant;\n";
            }
            self.tree.write(Path::new(&file), &text)?;
            let placed: BTreeSet<_> = switched.places.iter().map(|(_, number)| *number).collect();
            for mutant in mutants {
                if !placed.contains(&mutant.number) {
                    let mut why = Aside::here("there is no place for a switch");
                    if switched.unviable.contains(&mutant.number) {
                        why = Aside::here("`||` joins no `let`");
                        why.is_unviable = true;
                    }
                    self.known.aside.insert(mutant.number, why);
                }
            }
            self.files.insert(file, switched);
        }
        for mutant in of_file.into_values().flatten() {
            let why = Aside::here("its file is none of the core's");
            self.known.aside.insert(mutant.number, why);
        }
        let switch = include_str!("switch.txt");
        self.tree.write(Path::new("core/src/switch.rs"), switch)?;
        let manifest = self.tree.whole().join("core/Cargo.toml");
        let text = std::fs::read_to_string(&manifest).map_err(Problem::at(&manifest))?;
        self.tree.write(Path::new("core/Cargo.toml"), &text)?;
        Ok(())
    }

    /// Takes out what makes these errors; how much it was.
    fn take_out(&mut self, output: &Output) -> Result<usize, Problem> {
        let before = (self.known.aside.len(), self.known.constants.len());
        let mut unknown = String::new();
        for message in lines(output).filter_map(|line| line.message) {
            match message.blame(&self.files) {
                Some(Blame::Code(numbers)) => self.put_aside(&numbers, &message, true),
                Some(Blame::Switch(numbers)) => self.put_aside(&numbers, &message, false),
                Some(Blame::Constant(path)) => {
                    self.known.constants.insert(name_of(&path));
                }
                Some(Blame::Unknown(error)) => unknown += &error,
                None => {}
            }
        }
        if before == (self.known.aside.len(), self.known.constants.len()) {
            let said = String::from_utf8_lossy(&output.stderr);
            let errors = format!("{unknown}{said}");
            return Err(Problem::NoBlame { errors });
        }
        Ok(self.known.aside.len() - before.0)
    }

    fn put_aside(&mut self, numbers: &BTreeSet<u32>, message: &Message, is_own_code: bool) {
        for mutant in self.mutants {
            if numbers.contains(&mutant.number) {
                let why = message.summary();
                let is_unviable = is_own_code && message.is_final(mutant.genre);
                let aside = self.known.aside.entry(mutant.number);
                aside.or_insert(Aside { why, is_unviable });
            }
        }
    }

    /// Runs a command of cargo in the copy.
    fn cargo(&self, command: &[&str], arguments: &[&str]) -> Result<Output, Problem> {
        Command::new(cargo())
            .args(command)
            .args(["--locked", "--message-format", "json"])
            .args(arguments)
            .current_dir(self.tree.root())
            .env("CARGO_TARGET_DIR", folder_of(self.tree).join("build"))
            // What is built once is run thousands of times; what is checked may stay checked.
            .env("CARGO_PROFILE_MUTANTS_OPT_LEVEL", "1")
            .env("CARGO_INCREMENTAL", "0")
            .env("RUSTFLAGS", "--cap-lints=allow")
            .output()
            .map_err(|cause| Problem::NotRun {
                program: "cargo",
                cause,
            })
    }
}

impl Known {
    /// What was found when these were built before.
    fn read(tree: &Tree, list: &str) -> Self {
        let text = std::fs::read(folder_of(tree).join(KNOWN));
        let known = text
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        known
            .filter(|known: &Self| known.list == list)
            .unwrap_or_else(|| Self {
                list: list.to_owned(),
                ..Self::default()
            })
    }

    fn write(&self, tree: &Tree) -> Result<(), Problem> {
        let path = folder_of(tree).join(KNOWN);
        std::fs::write(&path, serde_json::to_vec(self)?).map_err(Problem::at(&path))
    }
}

/// Where the copies of the tree are.
pub(crate) fn folder_of(tree: &Tree) -> &Path {
    tree.root().parent().unwrap_or_else(|| tree.root())
}

const KNOWN: &str = "known.json";

/// What cargo said, where it is understood.
fn lines(output: &Output) -> impl Iterator<Item = Line> {
    let lines = output.stdout.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok())
}

/// The program of tests that a line is about.
fn program(line: Line) -> Option<Program> {
    if line.reason != "compiler-artifact" || !line.profile?.test {
        return None;
    }
    let manifest = PathBuf::from(line.manifest_path?);
    Some(Program {
        name: line.target?.name,
        path: line.executable?.into(),
        folder: manifest.parent()?.to_owned(),
    })
}

/// The name of a function, with its type, that the compiler calls by its path.
fn name_of(path: &str) -> String {
    let bare = path.split('<').next().unwrap_or(path);
    let mut parts = bare.rsplit("::");
    let function = parts.next().unwrap_or(bare);
    let is_type = |part: &&str| part.starts_with(char::is_uppercase);
    const_name(parts.next().filter(is_type), function)
}

/// The Rust files of a folder, by their paths in the tree.
fn sources(tree: &Path, folder: &Path) -> Result<Vec<String>, Problem> {
    let whole = tree.join(folder);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(&whole).map_err(Problem::at(&whole))? {
        let path = folder.join(entry.map_err(Problem::at(&whole))?.file_name());
        if tree.join(&path).is_dir() {
            found.extend(sources(tree, &path)?);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            let parts = path.iter().map(|part| part.to_string_lossy());
            found.push(parts.collect::<Vec<_>>().join("/"));
        }
    }
    Ok(found)
}
