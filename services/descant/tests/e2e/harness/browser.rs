//! The JavaScript of clients, run as it stands: what a browser gives to a page comes from a small file beside it, and Node
//! plays the browser.

use std::{io::ErrorKind, process::Stdio};

use serde::Deserialize;

use super::{PATIENCE, user::User, within};

/// What a page gets from a browser, and what it did, as JSON.
const BROWSER: &str = include_str!("browser.mjs");

/// What a page did.
#[derive(Deserialize, Debug)]
pub struct Visited {
    /// Where it sent the browser, when it did.
    pub landed: Option<Landed>,
    /// What it wrote to the console as errors.
    pub errors: Vec<String>,
}

/// The answer at the address that a page went to.
#[derive(Deserialize, Debug)]
pub struct Landed {
    /// As the page wrote it.
    pub address: String,
    pub status: u16,
    #[serde(rename = "type")]
    pub media_type: Option<String>,
    pub bytes: u64,
}

/// Runs `script` as a page of `user`'s host, signed in as `user`, until it has nothing left to do.
///
/// # Panics
/// When it throws, and without `node`, of version 18 or newer.
pub async fn visit(user: &User, script: &str) -> Visited {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    let browser = folder.path().join("browser.mjs");
    std::fs::write(&browser, BROWSER).expect("a file can be written");
    std::fs::write(folder.path().join("page.mjs"), script).expect("a file can be written");
    let node = tokio::process::Command::new("node")
        .arg(&browser)
        .args([user.base.as_str(), user.token().expect("a page is somebody's")])
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let ended =
        within("a page to have nothing left to do", PATIENCE, node).await.unwrap_or_else(|why| match why.kind() {
            ErrorKind::NotFound => {
                panic!("`node` runs the JavaScript of clients, and is missing: `cargo xtask setup --tests`")
            }
            _ => panic!("`node` does not start: {why}"),
        });
    assert!(ended.status.success(), "the page failed: {}", String::from_utf8_lossy(&ended.stderr));
    let printed = String::from_utf8_lossy(&ended.stdout);
    let last = printed.lines().last().unwrap_or_default();
    serde_json::from_str(last).unwrap_or_else(|why| panic!("not what the browser says: {why}: {printed}"))
}
