//! System packages: which are needed and why, which are missing, and how to get them.

use std::{
    io::{IsTerminal, Write},
    path::Path,
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};

use crate::{server_programs, workspace};

/// Whether packages may be installed.
#[derive(clap::Args)]
pub struct Consent {
    /// Install missing system packages without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Never install anything; fail when something is missing
    #[arg(long, conflicts_with = "yes")]
    pub no_install: bool,
}

/// What the packages are for; each includes the one before.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Purpose {
    Build,
    Tests,
    Benchmarks,
}

struct Need {
    /// The name in Debian and Ubuntu.
    package: &'static str,
    purpose: Purpose,
    why: &'static str,
    present: fn() -> bool,
}

const NEEDS: &[Need] = &[
    Need {
        package: "pkg-config",
        purpose: Purpose::Build,
        why: "finds the ffmpeg libraries",
        present: || workspace::in_path("pkg-config").is_some(),
    },
    Need {
        package: "clang",
        purpose: Purpose::Build,
        why: "its headers, to read those of ffmpeg",
        present: || workspace::in_path("clang").is_some(),
    },
    Need {
        package: "libclang-dev",
        purpose: Purpose::Build,
        why: "generates the bindings to ffmpeg",
        present: libclang,
    },
    Need {
        package: "libavcodec-dev",
        purpose: Purpose::Build,
        why: "decodes and encodes audio",
        present: || library("libavcodec"),
    },
    Need {
        package: "libavformat-dev",
        purpose: Purpose::Build,
        why: "reads and writes audio files",
        present: || library("libavformat"),
    },
    Need { package: "libavutil-dev", purpose: Purpose::Build, why: "part of ffmpeg", present: || library("libavutil") },
    Need {
        package: "libavfilter-dev",
        purpose: Purpose::Build,
        why: "part of ffmpeg",
        present: || library("libavfilter"),
    },
    Need {
        package: "libswresample-dev",
        purpose: Purpose::Build,
        why: "changes sample rates",
        present: || library("libswresample"),
    },
    Need {
        package: "flite",
        purpose: Purpose::Build,
        why: "lends the singer its voices (without it a formant voice sings)",
        present: || workspace::in_path("flite").is_some(),
    },
    Need {
        package: "fluidr3mono-gm-soundfont",
        purpose: Purpose::Build,
        why: "the instruments that songs are played with (without them, small built-in ones)",
        present: sound_font,
    },
    Need {
        package: "postgresql",
        purpose: Purpose::Tests,
        why: "the database of the distributed mode",
        present: || server_programs::postgres("initdb").is_some(),
    },
    Need {
        package: "rabbitmq-server",
        purpose: Purpose::Tests,
        why: "the broker of the distributed mode",
        present: || server_programs::rabbitmq().is_some(),
    },
    Need {
        package: "ffmpeg",
        purpose: Purpose::Tests,
        why: "a second opinion on what we decode and encode",
        present: || workspace::in_path("ffmpeg").is_some() && workspace::in_path("ffprobe").is_some(),
    },
    Need {
        package: "nodejs",
        purpose: Purpose::Tests,
        why: "runs the JavaScript of clients as it stands (18 or newer)",
        present: || workspace::in_path("node").is_some(),
    },
    Need {
        package: "python3-venv",
        purpose: Purpose::Benchmarks,
        why: "runs what the engine is held against",
        present: python_environments,
    },
    Need {
        package: "espeak-ng",
        purpose: Purpose::Benchmarks,
        why: "a voice to be better than",
        present: || workspace::in_path("espeak-ng").is_some(),
    },
    Need {
        package: "fluidsynth",
        purpose: Purpose::Benchmarks,
        why: "plays the songs that our renderer is held against",
        present: || workspace::in_path("fluidsynth").is_some(),
    },
];

fn library(name: &str) -> bool {
    Command::new("pkg-config").args(["--exists", name]).status().is_ok_and(|status| status.success())
}

/// One of the fonts that the renderer prefers (`soundfont`'s choice): the full one, or the smaller one that is installed.
fn sound_font() -> bool {
    const FOLDERS: [&str; 4] =
        ["/usr/share/sounds/sf2", "/usr/share/sounds/sf3", "/usr/share/soundfonts", "/opt/homebrew/share/soundfonts"];
    let files = FOLDERS.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    files.into_iter().any(|file| file.file_name().to_string_lossy().to_lowercase().starts_with("fluidr3"))
}

/// Debian's Python makes environments only with a package of its own for it.
fn python_environments() -> bool {
    let Some(python) = workspace::in_path("python3") else { return false };
    Command::new(python).args(["-c", "import ensurepip, venv"]).status().is_ok_and(|status| status.success())
}

fn libclang() -> bool {
    if std::env::var_os("LIBCLANG_PATH").is_some() {
        return true;
    }
    let Ok(versions) = std::fs::read_dir("/usr/lib") else { return false };
    let llvm = versions.flatten().filter(|entry| entry.file_name().to_string_lossy().starts_with("llvm"));
    let mut folders = llvm.map(|entry| entry.path().join("lib")).chain(["/usr/lib".into(), "/usr/lib64".into()]);
    folders.any(|folder| has_libclang(&folder))
}

fn has_libclang(folder: &Path) -> bool {
    let Ok(files) = std::fs::read_dir(folder) else { return false };
    files.flatten().any(|file| {
        let name = file.file_name().to_string_lossy().into_owned();
        name.starts_with("libclang") && name.contains(".so") && !name.starts_with("libclang-cpp")
    })
}

/// Makes sure that everything needed for `purpose` is installed: says what is missing and why, asks on a terminal, and
/// installs it on Debian and its relatives.
pub fn ensure(purpose: Purpose, consent: &Consent) -> Result<()> {
    let missing: Vec<&Need> = NEEDS.iter().filter(|need| need.purpose <= purpose && !(need.present)()).collect();
    if missing.is_empty() {
        return Ok(());
    }
    println!("These system packages are missing:");
    for need in &missing {
        println!("  {:<20} {}", need.package, need.why);
    }
    ensure!(debian(), "install them with your system's package manager (the names are Debian's), then run this again");
    ensure!(!consent.no_install, "they are needed, and --no-install was given");
    if missing.iter().any(|need| need.purpose >= Purpose::Tests) {
        println!("(Debian may start services of its own with them. The tests use private ones, on other ports.)");
    }
    let names: Vec<&str> = missing.iter().map(|need| need.package).collect();
    if !consent.yes && std::io::stdin().is_terminal() && !agreed()? {
        bail!("nothing was installed; by hand: apt-get install {}", names.join(" "));
    }
    install(&names)?;
    let still: Vec<&str> = missing.iter().filter(|need| !(need.present)()).map(|need| need.package).collect();
    ensure!(still.is_empty(), "installed, but not found afterwards: {}", still.join(" "));
    Ok(())
}

fn debian() -> bool {
    let release = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    let words = release.lines().filter_map(|line| line.strip_prefix("ID=").or_else(|| line.strip_prefix("ID_LIKE=")));
    words.flat_map(|value| value.trim_matches('"').split_whitespace()).any(|word| word == "debian")
        && workspace::in_path("apt-get").is_some()
}

fn agreed() -> Result<bool> {
    print!("Install them with apt-get now? [Y/n] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).context("read the answer")?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "" | "y" | "yes"))
}

fn install(names: &[&str]) -> Result<()> {
    let apt = || {
        let mut command;
        if nix::unistd::geteuid().is_root() {
            command = Command::new("apt-get");
        } else {
            command = Command::new("sudo");
            command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        }
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    };
    if !nix::unistd::geteuid().is_root() {
        ensure!(workspace::in_path("sudo").is_some(), "run this as root: apt-get install {}", names.join(" "));
    }
    // Not in a process group of their own: sudo may have to ask for a password on the terminal.
    println!("apt-get update");
    let updated = apt().args(["update", "-qq"]).status().context("run apt-get update")?;
    ensure!(updated.success(), "apt-get update failed ({updated})");
    println!("apt-get install {}", names.join(" "));
    let installed = apt()
        .args(["install", "-y", "-qq", "--no-install-recommends", "-o", "Dpkg::Use-Pty=0"])
        .args(names)
        .status()
        .context("run apt-get install")?;
    ensure!(installed.success(), "apt-get install failed ({installed})");
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What the programs use while they run, beside libraries, whose packages have other names than those to build with.
    const AT_RUN_TIME: [&str; 2] = ["flite", "fluidr3mono-gm-soundfont"];

    #[test]
    fn the_image_is_built_with_and_brings_what_is_installed_here() {
        let file = workspace::root().join("deploy/Dockerfile");
        let text = fs::read_to_string(&file).unwrap();
        let (building, running) = text.rsplit_once("\nFROM ").unwrap();
        let installs = |stage: &str, package: &str| stage.split_whitespace().any(|word| word == package);
        for need in NEEDS.iter().filter(|need| need.purpose == Purpose::Build) {
            let stage = if AT_RUN_TIME.contains(&need.package) { running } else { building };
            assert!(installs(stage, need.package), "{} does not install {}", file.display(), need.package);
        }
        assert!(running.contains("LICENSE-FLUIDR3MONO"), "the font goes without its licence");
    }
}
