//! Writes what the F0 tracker's network is shown, for its training (`xtask/f0_training`).
//!
//! `f0_features LIST OUT`: LIST holds lines `group name audio rate truth`, raw little-endian f32 files. OUT gets, for each
//! frame whose truth is known or partly known: truth in Hz, the number of candidates, and for each of them its pitch in
//! Hz and features, all as f32.

use std::{
    error::Error,
    fs,
    io::{BufWriter, Write},
};

fn read_f32(path: &str) -> Result<Vec<f32>, Box<dyn Error>> {
    let bytes = fs::read(path).map_err(|error| format!("{path}: {error}"))?;
    Ok(bytes.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, list, out] = arguments.as_slice() else { return Err("usage: f0_features LIST OUT".into()) };
    let mut file = BufWriter::new(fs::File::create(out)?);
    for line in fs::read_to_string(list)?.lines() {
        let [_, _, audio, rate, truth] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(format!("not `group name audio rate truth`: {line}").into());
        };
        let frames = pitch::f0::candidate_features(&read_f32(audio)?, rate.parse()?);
        for (hz, candidates) in read_f32(truth)?.iter().zip(&frames) {
            let mut row = vec![*hz, candidates.len() as f32];
            for (hz, features) in candidates {
                row.push(*hz);
                row.extend_from_slice(features);
            }
            for value in row {
                file.write_all(&value.to_le_bytes())?;
            }
        }
    }
    file.flush()?;
    Ok(())
}
