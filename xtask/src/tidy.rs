//! The tree's own rules, which no other tool checks: who may depend on whom, which crate alone touches which heavy
//! dependency, what every crate has, that modules form no circles, and how long a file may be.

mod circles;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail, ensure};

use crate::workspace;

/// Each heavy dependency and the crates that may use it (tests may use more).
const OWNERS: &[(&str, &[&str])] = &[
    ("lapin", &["messaging"]),
    ("sea-orm", &["persistence"]),
    ("sea-orm-migration", &["migrations"]),
    ("sqlx", &["persistence", "testbed"]),
    ("aws-sdk-s3", &["blob-store"]),
    ("ffmpeg-next", &["media"]),
    ("rustysynth", &["soundfont"]),
    ("failsafe", &["resilience"]),
    ("figment", &["settings"]),
    ("prometheus", &["telemetry"]),
    ("actix-web", &["service-runtime", "gateway", "expert"]),
    // Everything outside; and not yet the keys that tokens are signed with, and never the client commands, which speak to
    // the user's own server, nor the webhooks of the stand-in vendors.
    ("reqwest", &["outbound", "gateway", "descant", "vendor-standins"]),
];

/// The only files with unsafe code: calls that C demands, and one that a matrix product does.
const UNSAFE: &[&str] = &["crates/media/src/ffi.rs", "crates/pitch/src/f0/matmul.rs"];

const MAX_LINES: usize = 600;
/// Above every crate with a level in `ARCHITECTURE.md`.
const LEVEL_OF_SERVICES: u32 = 100;
const LEVEL_OF_THE_BINARY: u32 = 101;
/// Only for tests and development, so no shipped crate may use them.
const TESTS_ONLY: [&str; 2] = ["testbed", "vendor-standins"];

/// Fails with every rule that is broken.
pub fn run() -> Result<()> {
    let problems = problems(&workspace::root())?;
    if !problems.is_empty() {
        bail!("{} broken rules:\n  {}", problems.len(), problems.join("\n  "));
    }
    Ok(())
}

struct Package {
    name: String,
    folder: PathBuf,
    /// Names in `[dependencies]` and `[build-dependencies]`.
    ships_with: Vec<String>,
}

fn problems(root: &Path) -> Result<Vec<String>> {
    let packages = packages(root)?;
    let levels = levels(root, &packages)?;
    let mut problems = Vec::new();
    for package in &packages {
        arrows(package, &levels, &mut problems);
        heavy(package, &mut problems);
        if !package.folder.join("README.md").is_file() {
            problems.push(format!("{} has no README.md", package.name));
        }
        circles::check(&package.name, &package.folder.join("src"), &mut problems)?;
    }
    let mut files = Vec::new();
    sources(root, &mut files)?;
    for file in files {
        text(root, &file, &mut problems)?;
    }
    Ok(problems)
}

fn packages(root: &Path) -> Result<Vec<Package>> {
    let mut folders = vec![root.join("migrations"), root.join("xtask")];
    for group in ["crates", "services"] {
        let entries = fs::read_dir(root.join(group)).with_context(|| format!("read {group}"))?;
        folders.extend(entries.flatten().map(|entry| entry.path()).filter(|path| path.join("Cargo.toml").is_file()));
    }
    folders.sort();
    let package = |folder: PathBuf| -> Result<Package> {
        let name = folder.file_name().context("a folder without a name")?.to_string_lossy().into_owned();
        let manifest = fs::read_to_string(folder.join("Cargo.toml")).with_context(|| format!("read {name}"))?;
        ensure!(manifest.contains(&format!("\nname = \"{name}\"\n")), "{name}: folder and package differ in name");
        Ok(Package { ships_with: dependencies(&manifest), name, folder })
    };
    folders.into_iter().map(package).collect()
}

/// The names under the headings of a manifest that end up in what ships.
fn dependencies(manifest: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut inside = false;
    for line in manifest.lines() {
        if let Some(heading) = line.strip_prefix('[') {
            inside = heading.ends_with("dependencies]") && !heading.contains("dev-dependencies");
            continue;
        }
        let name = line.split(['=', '.', ' ']).next().unwrap_or_default().trim();
        if inside && !name.is_empty() && !name.starts_with('#') {
            names.push(name.to_owned());
        }
    }
    names
}

/// Levels from the map in `ARCHITECTURE.md`, whose lines read `name [level] purpose`.
fn levels(root: &Path, packages: &[Package]) -> Result<BTreeMap<String, u32>> {
    let map = fs::read_to_string(root.join("ARCHITECTURE.md")).context("read ARCHITECTURE.md")?;
    let mut levels = BTreeMap::from([("migrations".to_owned(), 0)]);
    for line in map.lines() {
        let Some((name, rest)) = line.trim().split_once('[') else { continue };
        let Some((Ok(level), _)) = rest.split_once(']').map(|(level, purpose)| (level.parse(), purpose)) else {
            continue;
        };
        levels.insert(name.trim().to_owned(), level);
    }
    for package in packages {
        let in_services = package.folder.parent().is_some_and(|group| group.ends_with("services"));
        if package.name == "descant" {
            levels.insert(package.name.clone(), LEVEL_OF_THE_BINARY);
        } else if in_services {
            levels.insert(package.name.clone(), LEVEL_OF_SERVICES);
        } else if !TESTS_ONLY.contains(&package.name.as_str()) && package.name != "xtask" {
            ensure!(levels.contains_key(&package.name), "{} has no level in ARCHITECTURE.md", package.name);
        }
    }
    Ok(levels)
}

fn arrows(package: &Package, levels: &BTreeMap<String, u32>, problems: &mut Vec<String>) {
    for used in &package.ships_with {
        if TESTS_ONLY.contains(&used.as_str()) {
            problems.push(format!("{} ships with {used}, which is only for tests", package.name));
        }
        let Some(lower) = levels.get(used) else { continue };
        match levels.get(&package.name) {
            Some(own) if lower < own => {}
            Some(own) => problems.push(format!(
                "{} (level {own}) depends on {used} (level {lower}): arrows point to lower levels only",
                package.name
            )),
            None => problems.push(format!("{} must not depend on crates of this workspace ({used})", package.name)),
        }
    }
}

fn heavy(package: &Package, problems: &mut Vec<String>) {
    for (dependency, owners) in OWNERS {
        if package.ships_with.iter().any(|used| used == dependency) && !owners.contains(&package.name.as_str()) {
            problems.push(format!("{} uses {dependency}, which belongs to {}", package.name, owners.join(", ")));
        }
    }
}

/// Every text file that people write, without what is built or hidden.
fn sources(folder: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(folder).with_context(|| format!("read {}", folder.display()))?.flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if entry.file_type()?.is_dir() {
            if !name.starts_with('.') && !["target", "descant-demo", "descant-data"].contains(&name.as_str()) {
                sources(&path, files)?;
            }
        } else if ["rs", "toml", "proto", "md", "yaml", "yml", "sql", "sh"]
            .contains(&path.extension().and_then(|extension| extension.to_str()).unwrap_or_default())
        {
            files.push(path);
        }
    }
    Ok(())
}

fn text(root: &Path, file: &Path, problems: &mut Vec<String>) -> Result<()> {
    let shown = file.strip_prefix(root).unwrap_or(file).display();
    let text = fs::read_to_string(file).with_context(|| format!("read {shown}"))?;
    let lines = text.lines().count();
    if file.extension().is_some_and(|extension| extension == "rs") && lines > MAX_LINES {
        problems.push(format!("{shown} has {lines} lines; above {MAX_LINES} it holds more than one idea"));
    }
    unsafe_code(&shown.to_string(), &text, problems);
    examples(&shown.to_string(), &text, problems);
    for (index, line) in text.lines().enumerate() {
        // Put together here so that this file does not break its own rule.
        let places = ["home", "root", "Users", "work"].map(|place| format!("/{place}/"));
        let starts = |place: &String| {
            line.match_indices(place.as_str())
                .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || "._-}{*".contains(c)))
        };
        if places.iter().any(starts) {
            problems.push(format!("{shown}:{}: a path of somebody's machine", index + 1));
        }
    }
    Ok(())
}

/// The workspace denies unsafe code, so whoever wants it must allow it first.
fn unsafe_code(shown: &str, text: &str, problems: &mut Vec<String>) {
    // Put together here so that this file does not break its own rule.
    let allows = ["allow", "expect"].map(|level| format!("[{level}(unsafe_code"));
    if !UNSAFE.contains(&shown) && shown.ends_with(".rs") && allows.iter().any(|allow| text.contains(allow)) {
        problems.push(format!("{shown} allows unsafe code, which stands only in {}", UNSAFE.join(", ")));
    }
}

/// Libraries have `doctest = false`, because rustdoc would go through each of them for nothing. So an example in their
/// documentation would be run by nobody.
fn examples(shown: &str, text: &str, problems: &mut Vec<String>) {
    let begins = |line: &str| {
        let line = line.trim_start();
        let documentation = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"));
        documentation.is_some_and(|written| written.trim_start().starts_with("```"))
    };
    if shown.ends_with(".rs") && text.lines().any(begins) {
        problems.push(format!("{shown} has an example in its documentation, which nothing runs: make it a test"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_tidy() {
        run().unwrap_or_else(|why| panic!("{why:#}"));
    }

    #[test]
    fn only_what_ships_counts_as_a_dependency() {
        let manifest = "[package]\nname = \"x\"\n\n[dependencies]\na.workspace = true\n# b = 1\nc = { path = \"c\" }\n\n\
            [dev-dependencies]\nd.workspace = true\n\n[build-dependencies]\ne = \"1\"\n";
        assert_eq!(dependencies(manifest), ["a", "c", "e"]);
    }

    fn package(name: &str, uses: &[&str]) -> Package {
        let ships_with = uses.iter().map(|name| (*name).to_owned()).collect();
        Package { name: name.to_owned(), folder: PathBuf::new(), ships_with }
    }

    #[test]
    fn arrows_up_sideways_and_to_the_testbed_are_reported() {
        let levels = BTreeMap::from([("low".to_owned(), 0), ("high".to_owned(), 2), ("other".to_owned(), 2)]);
        let check = |package: &Package| {
            let mut problems = Vec::new();
            arrows(package, &levels, &mut problems);
            problems.len()
        };
        assert_eq!(check(&package("high", &["low", "serde"])), 0);
        assert_eq!(check(&package("high", &["other"])), 1);
        assert_eq!(check(&package("low", &["high"])), 1);
        assert_eq!(check(&package("high", &["testbed"])), 1);
        assert_eq!(check(&package("high", &["vendor-standins"])), 1);
        assert_eq!(check(&package("xtask", &["low"])), 1);
    }

    #[test]
    fn unsafe_code_stands_in_its_files_only() {
        let mut problems = Vec::new();
        let text = format!("//! Calls.\n#![{}(unsafe_code)]\n", "allow");
        unsafe_code("crates/media/src/ffi.rs", &text, &mut problems);
        unsafe_code("crates/media/src/decode.rs", "fn decode() {}", &mut problems);
        assert_eq!(problems, Vec::<String>::new());
        unsafe_code("crates/media/src/decode.rs", &text, &mut problems);
        assert_eq!(problems.len(), 1, "{problems:?}");
    }

    #[test]
    fn examples_that_nothing_runs_are_reported() {
        let check = |text: &str, expected: usize| {
            let mut problems = Vec::new();
            examples("crates/media/src/lib.rs", text, &mut problems);
            assert_eq!(problems.len(), expected, "{text}: {problems:?}");
        };
        check("//! Sound.\n\n/// Half of it.\nfn half() {}\n", 0);
        check("fn fence() -> &'static str {\n    \"```\" // three of them\n}\n", 0);
        check("//! Sound.\n//!\n//! ```\n//! half();\n//! ```\n", 1);
        check("impl Sound {\n    /// ```no_run\n    /// half();\n    /// ```\n    fn half() {}\n}\n", 1);
    }

    #[test]
    fn heavy_dependencies_have_one_owner() {
        let mut problems = Vec::new();
        heavy(&package("gateway", &["lapin", "reqwest"]), &mut problems);
        heavy(&package("messaging", &["lapin"]), &mut problems);
        assert_eq!(problems, ["gateway uses lapin, which belongs to messaging"]);
        problems.clear();
        heavy(&package("providers", &["reqwest"]), &mut problems);
        assert!(problems.len() == 1 && problems[0].contains("outbound"), "{problems:?}");
    }
}
