//! From what a request asks for to what the engine is told.

use domain::{options, request::MelodyToVocalsRequest};
use engine::{
    lyrics::LyricsRequest,
    voice::{Expression, Register, VoiceOptions},
};

pub fn lyrics_request(request: &MelodyToVocalsRequest) -> LyricsRequest {
    let MelodyToVocalsRequest { prompt, genre, mood, seed, options: _ } = request;
    LyricsRequest {
        prompt: prompt.as_str().to_owned(),
        genre: genre.as_ref().map(ToString::to_string),
        mood: mood.as_ref().map(ToString::to_string),
        seed: *seed,
    }
}

pub fn voice_options(request: &MelodyToVocalsRequest) -> VoiceOptions {
    let options = &request.options;
    VoiceOptions {
        register: match options.register {
            options::Register::Auto => Register::Auto,
            options::Register::Low => Register::Low,
            options::Register::High => Register::High,
        },
        expression: match options.expression {
            options::Expression::Notes => Expression::Notes,
            options::Expression::Contour => Expression::Contour,
        },
        seed: request.seed,
        ..VoiceOptions::default()
    }
}
