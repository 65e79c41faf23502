//! How much room songs take on the disk while they are rendered, held against what the manifests give.

use std::fs;

use domain::{
    KindSpec,
    kinds::{blend, composition},
};
use settings::{LoadOptions, Settings};

const RATE_HZ: f64 = 44_100.0;
/// Of the mix and of each stem until the master is made, in bytes a frame: 32-bit stereo.
const SPOOLED: f64 = 8.0;
/// Of a WAV, and of a FLAC that could not be packed: 16-bit stereo.
const WRITTEN: f64 = 4.0;
/// Of M4A at 160 kbit/s and Ogg Vorbis at about 192 kbit/s together.
const PACKED: f64 = 1.0;

fn stems(spec: &KindSpec) -> f64 {
    spec.artifacts.iter().filter(|artifact| artifact.role.as_str().starts_with("stem_")).count() as f64
}

/// While a song is written down: the mix and its stems as they were played, and the files. A stem gives its room back when it
/// is written, so that never more than one is there twice.
fn while_written(stems: f64) -> f64 {
    let (song, flac, one_stem) = (WRITTEN, WRITTEN, WRITTEN);
    SPOOLED * (1.0 + stems) + song + flac + one_stem + PACKED
}

fn bytes_of_a_blend() -> f64 {
    (blend::MOST_SECONDS + soundfont::MOST_TAIL_SECONDS) * RATE_HZ * while_written(stems(&blend::SPEC))
}

/// While a voice is laid over its band, the band is there once more; the voice is the last of the stems.
fn bytes_of_a_composition() -> f64 {
    let stems = stems(&composition::SPEC);
    let while_mixed = SPOOLED * (1.0 + stems) + SPOOLED * stems;
    f64::from(composition::MOST_MS) / 1e3 * RATE_HZ * while_written(stems).max(while_mixed)
}

fn file(path: &str) -> String {
    let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What stands after `key`, which must be a number of Gi.
fn gibibytes(manifest: &str, key: &str) -> f64 {
    let (_, after) = manifest.split_once(key).unwrap_or_else(|| panic!("no {key}"));
    let (number, _) = after.split_once("Gi").expect("in Gi");
    number.trim().parse::<f64>().expect("a number") * f64::from(1 << 30)
}

#[test]
fn the_manifests_give_room_for_the_longest_songs_that_are_rendered_at_once() {
    let concurrency = Settings::load(&LoadOptions::default()).expect("defaults are valid").jobs.concurrency as f64;
    let needed = concurrency * bytes_of_a_blend().max(bytes_of_a_composition());
    let manifest = file("k8s/base/orchestrator.yaml");
    let (volume, limit) = (gibibytes(&manifest, "sizeLimit:"), gibibytes(&manifest, "ephemeral-storage:"));
    assert!(volume >= needed, "{needed} bytes in {volume}");
    assert!(limit > volume, "the volume counts towards the limit, and so do logs");
    // The documents say the same figures.
    let gigabytes = format!("{:.1} GB", needed / 1e9);
    for document in ["k8s/README.md", "deploy/README.md"] {
        assert!(file(document).contains(&gigabytes), "{document} does not say {gigabytes}");
    }
    // On disk, not in memory.
    assert!(file("deploy/compose.yaml").contains("volumes: [\"/tmp\"]"));
}
