//! What a request asks for, as the options of the engine and of the music rules.

use domain::{kinds::melody_vocals::MelodyToVocalsRequest, options};
use lyrics::LyricsRequest;
use music::correct::{Corrections, Grid, Quantise};
use voice::VoiceOptions;

/// What is mended in the notes.
pub fn corrections(request: &MelodyToVocalsRequest) -> Corrections {
    let options::Corrections { snap_to_key, quantise, transpose_semitones, octaves } = request.options.corrections;
    let quantise = match quantise {
        options::Grid::Off => None,
        options::Grid::Quarter => Some(Grid::Quarter),
        options::Grid::Eighth => Some(Grid::Eighth),
        options::Grid::EighthTriplet => Some(Grid::EighthTriplet),
        options::Grid::Sixteenth => Some(Grid::Sixteenth),
    };
    let quantise = quantise.map(|grid| Quantise { grid, strength: 1.0 });
    Corrections { snap_to_key, quantise, transpose_semitones, octave: octaves }
}

/// What the lyrics are to be about.
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

/// Who sings, and how.
pub fn voice_options(request: &MelodyToVocalsRequest) -> VoiceOptions {
    let options = &request.options;
    VoiceOptions {
        voice: options.voice,
        register: options.register,
        expression: options.expression,
        // Who asks for an octave wants to hear it.
        stay_in_octave: options.corrections.octaves != 0,
        seed: request.seed,
        ..VoiceOptions::default()
    }
}
