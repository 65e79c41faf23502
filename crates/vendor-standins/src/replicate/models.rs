//! The models that Replicate is known for here, what they take, and what they make.

use serde_json::{Map, Value, json};

use crate::{
    audio::{self, Codec, Spoken},
    http::Answer,
    sound::{self, Tone},
    steps::Sound,
};

/// What a model makes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Makes {
    /// Speech at 24 kHz, as an object.
    Bark,
    /// Music at 32 kHz, as an address.
    MusicGen,
    /// Half a minute of music at 48 kHz, as an address.
    Lyria,
    /// A version of a model, by training.
    Training,
}

/// An input of a model.
pub struct Input {
    name: &'static str,
    kind: &'static str,
    required: bool,
    choices: &'static [&'static str],
}

const fn input(name: &'static str, kind: &'static str) -> Input {
    Input { name, kind, required: false, choices: &[] }
}

pub struct Model {
    pub owner: &'static str,
    pub name: &'static str,
    pub version: &'static str,
    /// Whether it can be called without a version.
    pub official: bool,
    pub makes: Makes,
    pub inputs: &'static [Input],
}

const MUSICGEN_INPUTS: &[Input] = &[
    Input {
        choices: &["stereo-melody-large", "stereo-large", "melody-large", "large", "fine-tuned"],
        ..input("model_version", "string")
    },
    input("prompt", "string"),
    input("input_audio", "uri"),
    input("duration", "integer"),
    input("continuation", "boolean"),
    input("continuation_start", "integer"),
    input("continuation_end", "integer"),
    input("multi_band_diffusion", "boolean"),
    Input { choices: &["loudness", "clip", "peak", "rms"], ..input("normalization_strategy", "string") },
    input("top_k", "integer"),
    input("top_p", "number"),
    input("temperature", "number"),
    input("classifier_free_guidance", "integer"),
    Input { choices: &["wav", "mp3"], ..input("output_format", "string") },
    input("seed", "integer"),
];

pub const MODELS: [Model; 4] = [
    Model {
        owner: "suno-ai",
        name: "bark",
        version: "b76242b40d67c76ab6742e987628a2a9ac019e11d56ab96c4e91ce03b79b2787",
        official: false,
        makes: Makes::Bark,
        inputs: &[
            Input { required: true, ..input("prompt", "string") },
            input("history_prompt", "string"),
            input("custom_history_prompt", "uri"),
            input("text_temp", "number"),
            input("waveform_temp", "number"),
            input("output_full", "boolean"),
        ],
    },
    Model {
        owner: "meta",
        name: "musicgen",
        version: "671ac645ce5e552cc63a54a2bbff63fcf798043055d2dac5fc9e36a837eedcfb",
        official: false,
        makes: Makes::MusicGen,
        inputs: MUSICGEN_INPUTS,
    },
    // For calls without a version; its own is hidden.
    Model {
        owner: "google",
        name: "lyria-2",
        version: "hidden",
        official: true,
        makes: Makes::Lyria,
        inputs: &[
            Input { required: true, ..input("prompt", "string") },
            input("negative_prompt", "string"),
            input("seed", "integer"),
        ],
    },
    Model {
        owner: "sakemin",
        name: "musicgen-fine-tuner",
        version: "b1ec6490e57013463006e928abc7acd8d623fe3e8321d3092e1231bf006898b1",
        official: false,
        makes: Makes::Training,
        inputs: &[
            Input { required: true, ..input("dataset_path", "uri") },
            input("one_same_description", "string"),
            input("auto_labeling", "boolean"),
            input("drop_vocals", "boolean"),
            Input {
                choices: &["melody", "small", "medium", "stereo-melody", "stereo-small", "stereo-medium"],
                ..input("model_version", "string")
            },
            input("lr", "number"),
            input("epochs", "integer"),
            input("updates_per_epoch", "integer"),
            input("batch_size", "integer"),
        ],
    },
];

/// What a trained version takes: as MusicGen.
pub fn inputs(makes: Makes) -> &'static [Input] {
    MODELS.iter().find(|model| model.makes == makes).map_or(&[], |model| model.inputs)
}

/// Everything that is wrong with an input, as the name of the field and what is said of it.
pub fn problems(makes: Makes, given: &Value) -> Vec<(&'static str, String)> {
    let mut problems = Vec::new();
    for input in inputs(makes) {
        let value = &given[input.name];
        let right = match input.kind {
            _ if value.is_null() => !input.required,
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            "uri" => value
                .as_str()
                .is_some_and(|value| ["http://", "https://", "data:"].iter().any(|start| value.starts_with(start))),
            _ => value.is_string(),
        };
        if !right {
            let what =
                if value.is_null() { "is required".to_owned() } else { format!("must be a valid {}", input.kind) };
            problems.push((input.name, what));
        } else if !input.choices.is_empty() && value.as_str().is_some_and(|value| !input.choices.contains(&value)) {
            let choices: Vec<String> = input.choices.iter().map(|choice| format!("\"{choice}\"")).collect();
            problems.push((input.name, format!("must be one of the following: {}", choices.join(", "))));
        }
    }
    let version = given["model_version"].as_str().unwrap_or("stereo-melody-large");
    if makes == Makes::MusicGen && given["multi_band_diffusion"] == true && version.starts_with("stereo") {
        problems.push(("multi_band_diffusion", "is not for stereo models".to_owned()));
    }
    problems
}

/// The schema of a version, as `openapi_schema`.
pub fn openapi(makes: Makes) -> Value {
    let property = |input: &Input| {
        let mut schema = match input.kind {
            "uri" => json!({"type": "string", "format": "uri"}),
            kind => json!({ "type": kind }),
        };
        if !input.choices.is_empty() {
            schema["enum"] = json!(input.choices);
        }
        (input.name.to_owned(), schema)
    };
    let inputs = inputs(makes);
    let properties: Map<String, Value> = inputs.iter().map(property).collect();
    let required: Vec<&str> = inputs.iter().filter(|input| input.required).map(|input| input.name).collect();
    let output = match makes {
        Makes::Bark => json!({"type": "object", "properties": {"audio_out": {"type": "string", "format": "uri"},
            "prompt_npz": {"type": "string", "format": "uri"}}, "required": ["audio_out"]}),
        _ => json!({"type": "string", "format": "uri"}),
    };
    json!({"openapi": "3.0.2", "components": {"schemas": {
        "Input": {"type": "object", "properties": properties, "required": required}, "Output": output}}})
}

/// Sound that a model makes of an input.
#[derive(Clone, PartialEq, Debug)]
pub struct Recipe {
    pub tones: Vec<Tone>,
    /// What is said, where there is somebody to say it.
    pub words: Option<String>,
    pub codec: Codec,
    pub rate_hz: u32,
    pub channels: u16,
}

impl Recipe {
    /// The sound as an answer, amiss as told; `None` where its codec has no such rate.
    pub fn answer(&self, amiss: Option<Sound>) -> Option<Answer> {
        match &self.words {
            Some(words) => audio::speech(
                &Spoken { words, speed: 1.0, most_seconds: BARK_SECONDS },
                self.codec,
                self.rate_hz,
                amiss,
            ),
            None => audio::answer(&self.tones, self.codec, self.rate_hz, self.channels, amiss),
        }
    }
}

/// Longest speech of one call of Bark, in seconds.
const BARK_SECONDS: f64 = 13.5;
/// Characters of a prompt that are spoken: more than fit in that time.
const BARK_CHARACTERS: usize = 2_000;
/// Longest music that is made, in seconds.
const LONGEST_SECONDS: f64 = 300.0;

pub fn recipe(makes: Makes, given: &Value, dice: u64) -> Recipe {
    match makes {
        Makes::Bark => {
            let prompt: String = given["prompt"].as_str().unwrap_or_default().chars().take(BARK_CHARACTERS).collect();
            let tones = sound::within(sound::spoken(&prompt, 1.0), BARK_SECONDS);
            Recipe { tones, words: Some(prompt), codec: Codec::Wav, rate_hz: 24_000, channels: 1 }
        }
        Makes::Lyria => {
            let tones = sound::tune(30.0, dice);
            Recipe { tones, words: None, codec: Codec::Wav, rate_hz: 48_000, channels: 2 }
        }
        Makes::MusicGen | Makes::Training => {
            let seconds = given["duration"].as_f64().unwrap_or(8.0).clamp(1.0, LONGEST_SECONDS);
            let stereo = given["model_version"].as_str().is_none_or(|version| version.starts_with("stereo"));
            let codec = if given["output_format"] == "mp3" { Codec::Mp3 { kbps: 128 } } else { Codec::Wav };
            let (tones, channels) = (sound::tune(seconds, dice), if stereo { 2 } else { 1 });
            Recipe { tones, words: None, codec, rate_hz: 32_000, channels }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_are_held_against_the_schema() {
        let names = |makes, given: Value| problems(makes, &given).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
        assert_eq!(names(Makes::Bark, json!({})), ["prompt"]);
        assert_eq!(names(Makes::Bark, json!({"prompt": "♪ la ♪", "text_temp": 0.7})), Vec::<&str>::new());
        assert_eq!(
            names(Makes::MusicGen, json!({"duration": "8", "output_format": "ogg"})),
            ["duration", "output_format"]
        );
        assert_eq!(names(Makes::MusicGen, json!({"multi_band_diffusion": true})), ["multi_band_diffusion"]);
        assert_eq!(names(Makes::Training, json!({"dataset_path": "x.zip"})), ["dataset_path"]);
    }

    #[test]
    fn bark_never_speaks_longer_than_it_can() {
        let recipe = recipe(Makes::Bark, &json!({"prompt": "water ".repeat(100)}), 1);
        let seconds = sound::seconds(&recipe.tones);
        assert!((12.0..=13.5).contains(&seconds), "{seconds}");
    }
}
