//! A gate with a list of its own, so that no test has to say what nobody wants to read.

use std::io::Write as _;

use providers::{ContentGate, Outside};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use telemetry::Metrics;

/// What must not be sung.
pub const LISTED: &str = "turnip";

pub fn gate() -> ContentGate {
    let mut lists = tempfile::NamedTempFile::new().unwrap();
    let entry = "[[entries]]\nlanguage = \"en\"\nseverity = \"block\"\ncategory = \"vulgar\"\n";
    writeln!(lists, "{entry}terms = [\"{LISTED}\"]").unwrap();
    let Settings { mut safety, moderation, .. } = Settings::load(&LoadOptions::default()).unwrap();
    safety.lists = Some(lists.path().to_owned());
    let metrics = Metrics::new("test");
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    ContentGate::new(&safety, &moderation, &Outside::default(), &breakers, &metrics).unwrap()
}
