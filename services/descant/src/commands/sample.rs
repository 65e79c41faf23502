//! `descant sample-hum`: a recording to try things out with, made here.

use std::{fs, path::Path};

use anyhow::{Context, Result};
use media::{Encoding, Tags};
use serde_json::json;

pub fn run(out: &Path, json: bool) -> Result<()> {
    let hum = engine::sample::hummed_tune();
    let tags = Tags { title: Some("Ode to Joy, hummed".to_owned()), ..Tags::default() };
    let wav = media::encode(&hum.samples, hum.sample_rate_hz, 1, Encoding::Wav16, &tags)
        .context("the sample cannot be encoded")?;
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder).with_context(|| format!("folder {} cannot be made", folder.display()))?;
    }
    fs::write(out, wav).with_context(|| format!("{} cannot be written", out.display()))?;
    let seconds = hum.samples.len() as f64 / f64::from(hum.sample_rate_hz);
    if json {
        println!("{}", json!({ "file": out.display().to_string(), "seconds": seconds }));
    } else {
        println!("{}: {seconds:.1} s of Beethoven's Ode to Joy, hummed", out.display());
    }
    Ok(())
}
