//! TEMPORARY
use std::{fs::File, io::{Seek as _, SeekFrom}};

use domain::{Failure, FailureClass, FailureCode};
use serde_json::{Value, json};

use super::preparation::Preparing;
use crate::kinds::played::Playing;

pub struct Sent {
    pub name: String,
    pub file: File,
}

pub struct Packed {
    pub archive: File,
    pub summary: Preparing,
    pub report: Value,
}

pub fn packed(sent: Vec<Sent>, _description: Option<String>, playing: &Playing) -> Result<Packed, Failure> {
    let mut files = Vec::new();
    let mut seconds = 0.0;
    let mut used = 0;
    for Sent { name, file } in sent {
        let size = file.metadata().map_or(0, |data| data.len());
        let _ = playing.heard(0.5);
        match media::inspect(file, size, &media::Bounds::for_duration(600.0)) {
            Ok(facts) if facts.duration_seconds > 10.0 => {
                seconds += facts.duration_seconds;
                used += 1;
                files.push(json!({"name": name, "used": true}));
            }
            _ => files.push(json!({"name": name, "used": false, "reason": "bad"})),
        }
    }
    if seconds < 30.0 {
        let names: Vec<String> = files.iter().map(|file| file["name"].to_string()).collect();
        return Err(Failure::new(FailureClass::Caller, FailureCode::InvalidAudio, format!("too little: {}", names.join(", "))));
    }
    let refused = files.len() as u64 - used;
    let mut archive = tempfile::tempfile().map_err(|e| Failure::new(FailureClass::Transient, FailureCode::Storage, e.to_string()))?;
    let _ = archive.seek(SeekFrom::Start(0));
    Ok(Packed { archive, summary: Preparing { pieces: used, seconds, used, refused }, report: json!({"files": files}) })
}
