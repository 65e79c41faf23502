//! The service that blends songs, as the older product asks it: MIDI files in base64 in JSON. Its answers to failures are not
//! documented anywhere; `{"error": …}` is what such services usually say.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use midly::{
    Format, Header, MetaMessage, MidiMessage, Smf, Timing, TrackEvent, TrackEventKind,
    num::{u4, u7, u15, u24, u28},
};
use serde_json::{Value, json};

use crate::{
    audio::{self, Codec},
    http::{Answer, key_is_good},
    prices,
    routes::Route,
    sound::{self, Tone},
    steps::{Fault, Retry},
    work::{Reply, Work},
};

const SONGS: usize = 3;
const LONGEST_SECONDS: f64 = 600.0;
const TICKS_A_SECOND: f64 = 960.0;

fn error(status: u16, message: &str) -> Answer {
    Answer::json(status, &json!({ "error": message }))
}

/// An error in the form of this service.
pub fn fault(fault: Fault, retry: Retry) -> Answer {
    let wait = match retry {
        Retry::Text(seconds) => format!("; try again in {seconds}s"),
        _ => String::new(),
    };
    let (status, message) = match fault {
        Fault::RateLimited | Fault::SlowDown | Fault::TooManyConcurrent | Fault::SystemBusy => {
            (429, "too many requests")
        }
        Fault::RequestTimeout => (408, "request timeout"),
        Fault::Conflict => (409, "conflict"),
        Fault::EdgeUnknown => return Answer::of_edge(520),
        Fault::EdgeTimeout => return Answer::of_edge(524),
        Fault::ServerError => (500, "internal error"),
        Fault::BadGateway => (502, "bad gateway"),
        Fault::Unavailable | Fault::Overloaded => (503, "unavailable"),
        Fault::GatewayTimeout => (504, "gateway timeout"),
        Fault::QuotaExceeded | Fault::CreditExhausted | Fault::SpendLimit => (402, "out of credit"),
        Fault::BadKey => (401, "unknown API key"),
        Fault::Forbidden | Fault::PlanTooSmall => (403, "forbidden"),
        Fault::NotFound => (404, "not found"),
        Fault::TooLarge => (413, "too large"),
        Fault::Unprocessable => (422, "cannot be processed"),
        Fault::BadRequest | Fault::BadPrompt | Fault::HarmfulPrompt | Fault::BadCompositionPlan => (400, "bad request"),
    };
    error(status, &format!("{message}{wait}"))
}

/// Answers a call.
pub fn answer(work: &Work<'_>) -> Reply {
    match work.call.bearer().or_else(|| work.call.header("x-api-key")) {
        Some(key) if key_is_good(key) => {}
        _ => return fault(Fault::BadKey, Retry::Absent).into(),
    }
    let Some(body) = work.call.object() else { return error(400, "the body is not a JSON object").into() };
    match work.target.route {
        Route::Generate => generate(work, &body),
        Route::ConvertToMp3 => convert(work, &body),
        _ => error(404, "not found").into(),
    }
}

/// A file in base64, if it is a MIDI file with notes in it.
fn midi_file(value: &Value) -> Option<Vec<u8>> {
    let file = STANDARD.decode(value.as_str()?).ok()?;
    Smf::parse(&file).is_ok().then_some(file)
}

fn generate(work: &Work<'_>, body: &Value) -> Reply {
    let files = body["midi_files"].as_array().map(Vec::as_slice).unwrap_or_default();
    if files.len() != SONGS || !files.iter().all(|file| midi_file(file).is_some()) {
        return error(400, "midi_files must be three MIDI files in base64").into();
    }
    let options = &body["options"];
    for name in ["temperature", "creativity"] {
        if !options[name].is_null() && !options[name].as_f64().is_some_and(|value| (0.0..=2.0).contains(&value)) {
            return error(400, &format!("options.{name} must be a number from 0 to 2")).into();
        }
    }
    let seconds = options["length_seconds"].as_f64().unwrap_or(120.0);
    if !(1.0..=LONGEST_SECONDS).contains(&seconds) {
        return error(400, "options.length_seconds must be from 1 to 600").into();
    }
    let Some(file) = written(&sound::tune(seconds, work.dice())) else { return error(500, "internal error").into() };
    let answer = Answer::json(200, &json!({"midi_data": STANDARD.encode(file)}));
    Reply { answer, charge: Some(work.charge(prices::BLEND_MICROS, None)) }
}

fn convert(work: &Work<'_>, body: &Value) -> Reply {
    let Some(file) = midi_file(&body["midi_data"]) else {
        return error(400, "midi_data must be a MIDI file in base64").into();
    };
    let rate = body["options"]["sample_rate"].as_u64().unwrap_or(44_100);
    let kbps = match body["options"]["quality"].as_str().unwrap_or("high") {
        "low" => 64,
        "medium" => 128,
        "high" => 192,
        _ => return error(400, "options.quality must be low, medium or high").into(),
    };
    let tones = sound::tune(seconds_of(&file).clamp(1.0, LONGEST_SECONDS), 1);
    let rate = u32::try_from(rate).ok().filter(|rate| [32_000, 44_100, 48_000].contains(rate));
    let mp3 = rate.and_then(|rate| audio::bytes(&tones, Codec::Mp3 { kbps }, rate, 2, work.sound()));
    let Some(mp3) = mp3 else { return error(400, "options.sample_rate must be 32000, 44100 or 48000").into() };
    let answer = Answer::json(200, &json!({"mp3_data": STANDARD.encode(mp3)}));
    Reply { answer, charge: Some(work.charge(prices::BLEND_MICROS / 10, None)) }
}

/// Tones as a MIDI file of one track at 120 to the minute.
fn written(tones: &[Tone]) -> Option<Vec<u8>> {
    let ticks = |seconds: f64| u28::new((seconds * TICKS_A_SECOND).round() as u32);
    let event = |delta, kind| TrackEvent { delta, kind };
    let zero = u28::new(0);
    let mut track = vec![event(zero, TrackEventKind::Meta(MetaMessage::Tempo(u24::new(500_000))))];
    for tone in tones {
        let key = u7::new((69.0 + 12.0 * (tone.hz / 440.0).log2()).round().clamp(0.0, 127.0) as u8);
        let midi = |message| TrackEventKind::Midi { channel: u4::new(0), message };
        track.push(event(zero, midi(MidiMessage::NoteOn { key, vel: u7::new(90) })));
        track.push(event(ticks(tone.seconds), midi(MidiMessage::NoteOff { key, vel: u7::new(0) })));
    }
    track.push(event(zero, TrackEventKind::Meta(MetaMessage::EndOfTrack)));
    // Two quarters a second.
    let header = Header::new(Format::SingleTrack, Timing::Metrical(u15::new((TICKS_A_SECOND / 2.0) as u16)));
    let mut file = Vec::new();
    Smf { header, tracks: vec![track] }.write_std(&mut file).ok()?;
    Some(file)
}

/// How long a file is at the tempo that its first tempo event tells.
fn seconds_of(file: &[u8]) -> f64 {
    let Ok(smf) = Smf::parse(file) else { return 0.0 };
    let length = |track: &Vec<TrackEvent<'_>>| track.iter().map(|event| u64::from(event.delta.as_int())).sum::<u64>();
    let ticks = smf.tracks.iter().map(length).max().unwrap_or(0) as f64;
    let tempo = smf.tracks.iter().flatten().find_map(|event| match event.kind {
        TrackEventKind::Meta(MetaMessage::Tempo(micros)) => Some(f64::from(micros.as_int())),
        _ => None,
    });
    match smf.header.timing {
        Timing::Metrical(quarter) => ticks / f64::from(quarter.as_int().max(1)) * tempo.unwrap_or(500_000.0) / 1e6,
        Timing::Timecode(frames, parts) => ticks / (f64::from(frames.as_f32()) * f64::from(parts.max(1))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_song_is_as_long_as_asked() {
        let file = written(&sound::tune(12.5, 3)).unwrap();
        assert!((seconds_of(&file) - 12.5).abs() < 0.01);
    }
}
