//! From what a request asks for to what the engine is told.

use domain::{
    Failure, FailureClass, FailureCode, options,
    request::{Label, MelodyToVocalsRequest},
};
use engine::{
    lyrics::LyricsRequest,
    voice::{Expression, Register, Voice, VoiceOptions},
};
use music::{
    Melody, breath,
    correct::{self, Corrections, Grid, Quantise},
    harmony::{self, Accompaniment, Style},
    rhythm,
};

/// The melody at the tempo that was told, with breaths in notes that nobody holds so long, and with the corrections that
/// were asked for; what was sung stays beside them.
pub fn corrected(melody: Melody, request: &MelodyToVocalsRequest) -> Result<Melody, Failure> {
    let melody = match request.options.tempo_bpm {
        Some(tempo) => rhythm::at_tempo(melody, tempo.bpm()),
        None => melody,
    };
    let melody = breath::with_breaths(melody);
    let options::Corrections { snap_to_key, quantise, transpose_semitones, octaves } = request.options.corrections;
    let quantise = match quantise {
        options::Grid::Off => None,
        options::Grid::Quarter => Some(Grid::Quarter),
        options::Grid::Eighth => Some(Grid::Eighth),
        options::Grid::EighthTriplet => Some(Grid::EighthTriplet),
        options::Grid::Sixteenth => Some(Grid::Sixteenth),
    };
    let quantise = quantise.map(|grid| Quantise { grid, strength: 1.0 });
    let corrections = Corrections { snap_to_key, quantise, transpose_semitones, octave: octaves };
    if corrections.is_empty() {
        return Ok(melody);
    }
    correct::apply(&melody, &corrections)
        .map_err(|error| Failure::new(FailureClass::Caller, FailureCode::Internal, error.to_string()))
}

/// The parts that play under the voice, when they were asked for.
pub fn accompaniment(melody: &Melody, request: &MelodyToVocalsRequest) -> Option<Accompaniment> {
    match request.options.backing {
        options::Backing::None => None,
        options::Backing::Chords => {
            let genre = request.genre.as_ref().map(Label::as_str);
            harmony::accompany(melody, Style::for_genre(genre, melody.rhythm.meter), request.seed)
        }
    }
}

pub fn lyrics_request(request: &MelodyToVocalsRequest) -> LyricsRequest {
    let MelodyToVocalsRequest { prompt, genre, mood, seed, options } = request;
    LyricsRequest {
        prompt: prompt.as_str().to_owned(),
        genre: genre.as_ref().map(ToString::to_string),
        mood: mood.as_ref().map(ToString::to_string),
        seed: *seed,
        language: options.language.to_string(),
    }
}

pub fn voice_options(request: &MelodyToVocalsRequest) -> VoiceOptions {
    let options = &request.options;
    VoiceOptions {
        voice: match options.voice {
            options::Voice::Auto => Voice::Auto,
            options::Voice::Formant => Voice::Formant,
            options::Voice::Rms => Voice::Rms,
            options::Voice::Slt => Voice::Slt,
            options::Voice::Awb => Voice::Awb,
            options::Voice::Kal16 => Voice::Kal16,
        },
        register: match options.register {
            options::Register::Auto => Register::Auto,
            options::Register::Low => Register::Low,
            options::Register::High => Register::High,
        },
        expression: match options.expression {
            options::Expression::Notes => Expression::Notes,
            options::Expression::Contour => Expression::Contour,
        },
        // Who asks for an octave wants to hear it.
        stay_in_octave: options.corrections.octaves != 0,
        seed: request.seed,
        ..VoiceOptions::default()
    }
}
