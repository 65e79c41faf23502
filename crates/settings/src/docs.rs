//! The commented settings file and the reference page, written from the table of keys.

use crate::keys::{self, Key, SECTIONS, Section};

/// One setting as the reference shows it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Documented {
    pub key: String,
    /// The systematic variable first, then the others from strong to weak.
    pub variables: Vec<String>,
    /// A TOML value; `None` when nothing is set by default.
    pub default: Option<&'static str>,
    pub expected: &'static str,
    pub meaning: &'static str,
    pub secret: bool,
}

/// Every setting, each tier's written out.
pub fn documented() -> Vec<Documented> {
    keys::entries()
        .map(|(path, key)| Documented {
            variables: variables(&path, key),
            key: path,
            default: key.default,
            expected: key.expected,
            meaning: key.meaning,
            secret: key.secret,
        })
        .collect()
}

fn variables(path: &str, key: &Key) -> Vec<String> {
    let others = keys::other_variables(path, key);
    std::iter::once(keys::variable(path)).chain(others.into_iter().map(str::to_owned)).collect()
}

/// The tier that stands for all of them in the file.
const SHOWN_TIER: &str = "premium";
/// The provider that stands for all of them in the file.
const SHOWN_PROVIDER: &str = "replicate";

/// `deploy/descant.toml`: every setting commented out with its default. Lines of settings begin with `#` and no blank,
/// lines of prose with `# `.
pub fn file() -> String {
    let mut file = String::from(
        "# Descant: every setting with its default. A line that begins with # and no blank is a setting: take the # away\n\
         # to change it. A variable of the environment is stronger than this file; the systematic name of http.port is\n\
         # DESCANT_HTTP__PORT. Secrets are better kept in variables. docs/settings.md has the same as a table.\n\
         #\n\
         # Written from the table of keys in crates/settings; a test fails when this file is behind.\n",
    );
    for section in SECTIONS {
        file += "\n";
        if section.name.is_empty() {
            file += &format!("# {}\n", section.about);
        } else {
            file += &format!(
                "# {}\n[{}]\n",
                section.about,
                section.name.replace("{tier}", SHOWN_TIER).replace("{provider}", SHOWN_PROVIDER)
            );
        }
        for key in section.keys {
            file += &setting(section, key);
        }
    }
    file
}

fn setting(section: &Section, key: &Key) -> String {
    let name = key.path.rsplit('.').next().unwrap_or(key.path);
    let mut prose = wrapped(key.meaning);
    prose += &wrapped(&format!("Expected: {}.", key.expected));
    if !key.env.is_empty() {
        prose += &wrapped(&format!("Also: {}.", key.env.join(", ")));
    }
    if section.name.contains("{tier}") {
        prose.clear();
    }
    match key.default {
        Some(default) => format!("{prose}#{name} = {default}\n"),
        None => format!("{prose}#{name} = {} # an example; not set by default\n", key.example),
    }
}

/// Prose in lines of at most 116 characters.
fn wrapped(text: &str) -> String {
    let mut lines = String::new();
    let mut line = String::from("#");
    for word in text.split(' ') {
        if line.chars().count() + 1 + word.chars().count() > 116 {
            lines += &line;
            lines.push('\n');
            line = String::from("#");
        }
        line.push(' ');
        line += word;
    }
    lines + &line + "\n"
}

/// `docs/settings.md`.
pub fn reference() -> String {
    let mut page = String::from(INTRODUCTION);
    for section in SECTIONS {
        let heading = if section.name.is_empty() { "General".to_owned() } else { format!("`[{}]`", section.name) };
        page += &format!("\n## {heading}\n\n{}\n\n", section.about);
        page += "| Key | Default | Variables | Expected | Meaning |\n|---|---|---|---|---|\n";
        for key in section.keys {
            let default = key.default.map_or_else(|| "not set".to_owned(), |default| format!("`{default}`"));
            let names = variables(key.path, key);
            let names: Vec<_> = names
                .iter()
                .map(|name| format!("`{}`", name.replace("{TIER}", "TIER").replace("{PROVIDER}", "NAME")))
                .collect();
            let secret = if key.secret { " Secret." } else { "" };
            page += &format!(
                "| `{}` | {default} | {} | {} | {}{secret} |\n",
                key.path,
                names.join(", "),
                key.expected,
                key.meaning
            );
        }
    }
    page += VENDORS;
    page += "| Variable | Key |\n|---|---|\n";
    for (name, sets) in keys::VENDOR_VARIABLES {
        page += &format!("| `{name}` | `{sets}` |\n");
    }
    page += "\n## Variables that are no settings\n\n| Variable | Meaning |\n|---|---|\n";
    page += "| `DESCANT_CONFIG` | The settings file, where none is named on the command line. |\n";
    page +=
        "| `DESCANT_SERVER`, `DESCANT_TOKEN` | Where the client commands find a server, and who they are there. |\n";
    page += "| `DESCANT_SHARED_DATA`, `DESCANT_TEST_…` | Read by tests only. |\n";
    for (name, reason) in keys::IGNORED_VARIABLES {
        page += &format!("| `{name}` | Accepted and ignored, with a notice: {reason}. |\n");
    }
    page
}

const VENDORS: &str = "
## Variables of vendors

Under these names vendors' own tools know them.

";

const INTRODUCTION: &str = "# Settings

Four layers, the later stronger than the earlier: defaults, a TOML file, variables of the environment, the command line.
[`deploy/descant.toml`](../deploy/descant.toml) is such a file with every setting commented out at its default.

Everything is checked before anything starts, and all problems are reported at once, each with its key, the value that
was given (`***` for a secret), what is expected and an example. A key in the file or a variable beginning with
`DESCANT_` that is no setting is a problem too. An empty variable counts as not set. In a variable a list is separated
by commas.

Where several variables set one key, the systematic name (`DESCANT_SECTION__KEY`) is the strongest, then the others in
the order of the table.

The **embedded** mode (one process, SQLite, a folder) needs no setting at all, and listens on a loopback address unless
an auth mode is set. The **distributed** mode needs `database.url` (PostgreSQL), `rabbitmq.url`, `objects.s3_bucket` with
its keys, and either `auth.secret` or `auth.jwks_url`; nothing insecure stands in for what is missing.

This page is written from the table of keys in `crates/settings/src/keys`; a test fails when it is behind
(`UPDATE_DOCS=1` writes it anew).
";
