//! What a call of `POST /generate` asks for, as the composer takes it. Older clients name instruments, styles and models as
//! they like: those that nobody here knows go into the sentence.

use compose::{Genre, Instrument, Style};
use domain::kinds::composition::CompositionRequest;
use providers::{ModelChoice, expert::GenerateCall};

use crate::{
    refusal::Refusal,
    registry::{NamedModel, NamedModels},
};

/// Of a call that says none, in seconds, as the older service has it.
const USUAL_SECONDS: f64 = 30.0;
/// The base model that the older service takes where nobody names one; it is what clients send who want none.
const USUAL_MODEL: &str = "medium";

/// A call that was understood.
#[derive(Debug)]
pub struct Asked {
    pub request: CompositionRequest,
    pub model: Option<ModelChoice>,
    pub warnings: Vec<String>,
}

/// Reads a call. `provider` is where models of the registry are had.
///
/// # Errors
/// 400 for a field that holds none of its values.
pub fn asked_of(call: &GenerateCall, named: &NamedModels, provider: &str) -> Result<Asked, Refusal> {
    let mut warnings = Vec::new();
    let model = model(call, named, provider, &mut warnings)?;
    let mut words = Vec::new();
    let (instruments, others) = known_instruments(call);
    words.extend(others);
    let style = call.style.as_deref().map(str::trim).filter(|style| !style.is_empty());
    let is_known = |style: &&str| style.parse::<Style>().is_ok() || style.parse::<Genre>().is_ok();
    let known_style = style.filter(is_known);
    let is_model = model.as_ref().is_some_and(|model| style == Some(&*model.name));
    words.extend(style.filter(|style| !is_known(style) && !is_model).map(str::to_owned));
    if !words.is_empty() {
        let words = words.join(", ");
        warnings.push(format!("nothing is known by these names, they are read as words of the sentence: {words}"));
    }
    if call.custom_lyrics.as_ref().is_some_and(|lyrics| !lyrics.trim().is_empty()) {
        warnings.push("custom_lyrics are not sung: words are written that fit the melody".to_owned());
    }
    let prompt = std::iter::once(call.prompt.trim().to_owned()).chain(words).collect::<Vec<_>>().join(", ");
    let seconds = call.duration.unwrap_or(USUAL_SECONDS);
    let texts = [
        ("prompt", Some(prompt)),
        ("name", call.name.clone()),
        ("lengthMs", Some(milliseconds(seconds)?)),
        ("seed", call.seed.map(|seed| seed.to_string())),
        ("tempo", call.bpm.map(|bpm| bpm.to_string())),
        ("key", call.key.clone()),
        ("style", known_style.map(str::to_owned)),
        ("genre", call.genre.clone()),
        ("mood", call.mood.clone()),
        ("instruments", Some(instruments.join(","))),
        ("instrumental", call.include_vocals.map(|sings| (!sings).to_string())),
        ("chords", call.chords.clone()),
        ("form", call.form.clone()),
        ("language", call.language.clone()),
        ("voice", call.voice.clone()),
        ("energy", call.energy.map(|energy| energy.to_string())),
        ("era", call.era.clone()),
        ("without", call.without.as_ref().map(|names| names.join(","))),
    ];
    let text = |name: &str| texts.iter().find(|(field, _)| *field == name).and_then(|(_, text)| text.as_deref());
    let request = CompositionRequest::read(text, resilience::ids::seed());
    let request = request.map_err(|error| Refusal::invalid(error.to_string()))?;
    Ok(Asked { request, model, warnings })
}

/// In whole milliseconds; the range is checked where lengths are read.
fn milliseconds(seconds: f64) -> Result<String, Refusal> {
    let ms = (seconds * 1000.0).round();
    let fits = (0.0..=f64::from(u32::MAX)).contains(&ms);
    if fits { Ok(format!("{ms:.0}")) } else { Err(Refusal::invalid("duration: expected a number of seconds")) }
}

/// The instruments that the composer knows, and the other names.
fn known_instruments(call: &GenerateCall) -> (Vec<String>, Vec<String>) {
    let names = call.instruments.iter().flatten().map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    names.partition(|name| name.parse::<Instrument>().is_ok())
}

/// The model by its name; a style or an instrument that is called as a fine-tuned one means that, as with the older service.
fn model(
    call: &GenerateCall,
    named: &NamedModels,
    provider: &str,
    warnings: &mut Vec<String>,
) -> Result<Option<ModelChoice>, Refusal> {
    let choice = |name: &str, model: &NamedModel| ModelChoice {
        name: name.into(),
        provider: model.provider.as_deref().unwrap_or(provider).into(),
        version: model.address().into(),
    };
    if let Some(name) = call.model.as_deref().map(str::trim).filter(|name| !name.is_empty()) {
        let model = named.find(name).ok_or_else(|| {
            if let Some(state) = named.away.get(name) {
                return Refusal::invalid(format!("model: {name} cannot be asked for while it is {state}"));
            }
            let known: Vec<&str> = named.names().collect();
            let known = if known.is_empty() { "none is registered".to_owned() } else { known.join(", ") };
            Refusal::invalid(format!("model: there is none of that name ({known})"))
        })?;
        return Ok(Some(choice(name, model)));
    }
    let first_instrument = call.instruments.iter().flatten().next();
    for name in call.style.iter().chain(first_instrument).map(|name| name.trim()) {
        if let Some(model) = named.fine_tuned.get(name) {
            return Ok(Some(choice(name, model)));
        }
    }
    let Some(name) = call.model_version.as_deref().map(str::trim).filter(|name| !name.is_empty()) else {
        return Ok(None);
    };
    let model = named.base.get(name);
    if model.is_none() && name != USUAL_MODEL {
        warnings.push(format!("there is no base model {name}: the song is made without it"));
    }
    Ok(model.map(|model| choice(name, model)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named() -> NamedModels {
        let model = |reference: &str| NamedModel { reference: reference.to_owned(), description: None, provider: None };
        NamedModels {
            base: [("large".to_owned(), model("meta/musicgen:7be0"))].into(),
            fine_tuned: [
                ("telecaster".to_owned(), model("me/telecaster:1f")),
                ("lyria".to_owned(), model("google/lyria-2")),
                ("bare".to_owned(), model("2f")),
                ("tagged".to_owned(), model("ours:3f")),
            ]
            .into(),
            away: [("strat".to_owned(), "training".to_owned())].into(),
        }
    }

    fn asked(call: serde_json::Value, named: &NamedModels) -> Result<Asked, Refusal> {
        asked_of(&serde_json::from_value(call).unwrap(), named, "replicate")
    }

    #[test]
    fn the_older_services_fields_are_read() {
        let call = serde_json::json!({
            "prompt": "warm evening", "instruments": ["piano", "metro_drums"], "style": "morgan_wallen",
            "include_vocals": true, "custom_lyrics": "la la", "duration": 20, "bpm": 96, "key": "A minor",
            "model_version": "medium", "seed": 7,
        });
        let Asked { request, model, warnings } = asked(call, &named()).unwrap();
        assert_eq!(request.prompt.as_str(), "warm evening, metro_drums, morgan_wallen");
        assert_eq!((request.options.length_ms, request.options.tempo_bpm, request.seed), (Some(20_000), Some(96.0), 7));
        assert_eq!((request.options.instrumental, request.options.instruments.len()), (Some(false), 1));
        assert!(request.options.key.is_some() && request.options.style.is_none());
        assert_eq!((model, warnings.len()), (None, 2));
        let least = asked(serde_json::json!({ "prompt": "warm evening" }), &NamedModels::default()).unwrap();
        assert_eq!((least.request.options.length_ms, least.warnings.len()), (Some(30_000), 0));
        let nulls = serde_json::json!({ "prompt": "warm evening", "instruments": null, "style": null, "bpm": null });
        assert!(asked(nulls, &NamedModels::default()).is_ok(), "as clients write what they leave out");
    }

    #[test]
    fn models_are_found_where_older_clients_name_them() {
        let check = |call: serde_json::Value, expected: Option<(&str, &str)>, warnings: usize| {
            let mut call = call;
            call["prompt"] = "warm evening".into();
            let asked = asked(call.clone(), &named()).unwrap();
            let model = asked.model.as_ref().map(|model| (&*model.name, &*model.version));
            assert_eq!((model, asked.warnings.len()), (expected, warnings), "{call}");
        };
        check(serde_json::json!({}), None, 0);
        check(serde_json::json!({ "model": "telecaster" }), Some(("telecaster", "me/telecaster:1f")), 0);
        check(serde_json::json!({ "model": "large" }), Some(("large", "meta/musicgen:7be0")), 0);
        check(serde_json::json!({ "model": "lyria" }), Some(("lyria", "google/lyria-2")), 0);
        check(serde_json::json!({ "model": "bare" }), Some(("bare", "2f")), 0);
        check(serde_json::json!({ "model": "tagged" }), Some(("tagged", "3f")), 0);
        check(serde_json::json!({ "style": "telecaster" }), Some(("telecaster", "me/telecaster:1f")), 0);
        check(serde_json::json!({ "model_version": "large" }), Some(("large", "meta/musicgen:7be0")), 0);
        check(serde_json::json!({ "model_version": "medium" }), None, 0);
        check(serde_json::json!({ "model_version": "small" }), None, 1);
        for (name, word) in [("nobody", "telecaster"), ("strat", "training")] {
            let refused = asked(serde_json::json!({ "prompt": "warm evening", "model": name }), &named()).unwrap_err();
            assert!(format!("{refused:?}").contains(word), "{name}: {refused:?}");
        }
        let mut elsewhere = named();
        let telecaster = elsewhere.fine_tuned.get_mut("telecaster").unwrap();
        telecaster.provider = Some("studio".to_owned());
        let call = serde_json::json!({ "prompt": "warm evening", "model": "telecaster" });
        assert_eq!(&*asked(call, &elsewhere).unwrap().model.unwrap().provider, "studio");
    }

    #[test]
    fn lengths_and_words_that_are_none_are_refused() {
        let check = |call: serde_json::Value| assert!(asked(call.clone(), &named()).is_err(), "{call}");
        check(serde_json::json!({ "prompt": "" }));
        check(serde_json::json!({ "prompt": "warm evening", "duration": 1 }));
        check(serde_json::json!({ "prompt": "warm evening", "duration": 1e300 }));
        check(serde_json::json!({ "prompt": "warm evening", "duration": -30 }));
        check(serde_json::json!({ "prompt": "warm evening", "key": "H" }));
        check(serde_json::json!({ "prompt": "warm evening", "energy": 2 }));
    }
}
