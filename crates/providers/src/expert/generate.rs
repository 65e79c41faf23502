//! Whole songs of an expert (`POST generate`), as a composer that delivers sound.

use std::io::{Seek as _, SeekFrom};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use compose::{Mood, Options};
use outbound::{Answer, Destination, Limits, header::ACCEPT};
use serde_json::{Value, json};

use super::{
    charged::{local, written},
    client::{ExpertClient, WITH_PARTS, content_type},
    mixed,
    wire::{GenerateCall, GeneratedSong},
};
use crate::{
    abilities::ModelChoice,
    calls::{Answered, Call, Make, ProviderCall},
    composing::{Composed, SongComposer, SongRequest, SungSound, SungWord},
    outside_service::CallError,
    stop::Stop,
    vendors::clean,
};

/// Most that is read of an answer with a sound in it: ten minutes as MP3, also in base64, and the words around it.
const MAX_ANSWER_BYTES: u64 = 64 * 1024 * 1024;
/// Most that is fetched of a sound elsewhere: ten minutes as WAV, and some.
const MAX_SOUND_BYTES: u64 = 128 * 1024 * 1024;
/// Longest prompt of the service's own.
const MAX_PROMPT_CHARS: usize = 2000;
/// Base models of the older service; it takes any other name for that of a style.
const BASE_MODELS: [&str; 4] = ["small", "medium", "melody", "large"];
/// What is asked of a service whose songs are of seconds where nobody says how many.
const USUAL_SECONDS: f64 = 30.0;
/// Longest song that an answer is believed to hold where nobody has said how long it is to be.
const MOST_SECONDS: f64 = 600.0;
/// Most words of a song that are read.
const MOST_WORDS: usize = 4_800;

#[async_trait]
impl SongComposer for ExpertClient {
    async fn compose(&self, request: &SongRequest<'_>, call: &ProviderCall<'_>) -> Result<Composed, Stop> {
        let SongRequest { sentence, options, .. } = *request;
        let is_ours = self.models().await?.has_stages;
        let model = call.model.as_ref();
        let body = if is_ours { in_fields(sentence, options, model) } else { in_words(sentence, options, model) };
        let made = Call {
            provider: &call.provider,
            credential: "default",
            purpose: "compose",
            estimate: self.estimate(options.seconds.unwrap_or(USUAL_SECONDS)),
            // Either has songs made by whomever it likes, who may be paid.
            may_repeat: false,
        };
        let (client, seconds) = (self.clone(), options.seconds);
        let make: Make<'static> = Box::new(move |_| Box::pin(async move { client.generated(body, seconds).await }));
        let answer = match self.prices {
            Some(_) => call.paid_once(made, make).await?,
            // One of our own has nothing to be paid for, and is let go.
            None => call.calls.once(made, make).await?,
        };
        let sound = answer.files.into_iter().next().ok_or_else(|| self.blame.misbehaved("sent no sound"))?;
        let lines: Vec<Vec<SungWord>> = serde_json::from_value(answer.value["lines"].clone()).unwrap_or_default();
        if lines.is_empty() {
            return Ok(Composed::Sound(sound));
        }
        Ok(Composed::SoundWithWords(Box::new(SungSound { sound, title: None, lines })))
    }
}

impl ExpertClient {
    async fn generated(&self, body: GenerateCall, asked_seconds: Option<f64>) -> Result<Answered, CallError> {
        let answer = self.paid(self.post("generate", MAX_ANSWER_BYTES).header(ACCEPT, WITH_PARTS).json(&body)).await?;
        let (told, mut file) = self.song_of(answer).await?;
        file.seek(SeekFrom::Start(0)).map_err(|error| CallError::Unanswered(local(&error)))?;
        let is_long = |seconds: &f64| (0.0..=MOST_SECONDS).contains(seconds);
        let seconds = asked_seconds.or_else(|| told["duration"].as_f64().filter(is_long)).unwrap_or(USUAL_SECONDS);
        let (usage, cost) = self.charge(&told, seconds);
        let value =
            json!({ "model": told["model_used"].as_str().map(clean), "lines": sung_lines(&told["lyrics_lines"]) });
        Ok(Answered { value, files: vec![file], usage, cost })
    }

    /// What is told of a song, and its sound.
    async fn song_of(&self, answer: Answer) -> Result<(Value, std::fs::File), CallError> {
        let content_type = content_type(&answer);
        // It was made, and is lost on its way.
        let lost = |error: &outbound::OutboundError| CallError::Unanswered(self.blame.away(error));
        let garbled = || CallError::Unanswered(self.garbled());
        let read = |told: &Value| serde_json::from_value::<GeneratedSong>(told.clone()).map_err(|_| garbled());
        if mixed::is_mixed(&content_type) {
            let body = answer.bytes().await.map_err(|error| lost(&error))?;
            let (json, sound) = mixed::read(&content_type, &body).ok_or_else(garbled)?;
            let told: Value = serde_json::from_slice(&json).map_err(|_| garbled())?;
            self.successful(read(&told)?)?;
            return Ok((told, written(sound.to_vec()).await?));
        }
        let told: Value = answer.json().await.map_err(|error| lost(&error))?;
        let url = self.successful(read(&told)?)?.audio_url.ok_or_else(garbled)?;
        if let Some(carried) = url.strip_prefix("data:") {
            let (_, base64) = carried.split_once(";base64,").ok_or_else(garbled)?;
            let sound = STANDARD.decode(base64.trim()).map_err(|_| garbled())?;
            return Ok((told, written(sound).await?));
        }
        let file = self.fetched(&url).await?;
        Ok((told, file))
    }

    /// A failure that was answered with a 200 is one all the same.
    fn successful(&self, song: GeneratedSong) -> Result<GeneratedSong, CallError> {
        if song.success {
            return Ok(song);
        }
        tracing::warn!(provider = self.name, "an expert answered that it failed");
        Err(CallError::Unanswered(self.blame.misbehaved(&format!("made no song: {}", clean(&song.message)))))
    }

    /// A sound that lies with the service, or, by its word, elsewhere: that is an address of a stranger.
    async fn fetched(&self, url: &str) -> Result<std::fs::File, CallError> {
        let own = self.get(url, MAX_SOUND_BYTES).send().await;
        let answer = match own {
            Err(error) if !error.may_have_arrived() && url.starts_with("https://") => {
                let limits = Limits::new(std::time::Duration::from_secs(300), MAX_SOUND_BYTES);
                self.outbound.get(&Destination::untrusted(), url).limits(limits).follow(3).send().await
            }
            own => own,
        };
        let lost = |failure| CallError::Unanswered(failure);
        let answer = answer.map_err(|error| lost(self.blame.away(&error)))?;
        if !answer.status().is_success() {
            return Err(lost(self.blame.misbehaved("no longer has what it made")));
        }
        let file = tempfile::tempfile().map_err(|error| lost(local(&error)))?;
        let mut file = tokio::fs::File::from_std(file);
        answer.download(&mut file).await.map_err(|error| lost(self.blame.away(&error)))?;
        Ok(file.into_std().await)
    }
}

/// What is sung, where it is told with times that can be true: words at wrong times are worse than none.
fn sung_lines(told: &Value) -> Vec<Vec<SungWord>> {
    let lines: Vec<Vec<SungWord>> = serde_json::from_value(told.clone()).unwrap_or_default();
    let mut earliest = 0.0;
    for (count, word) in lines.iter().flatten().enumerate() {
        let SungWord { text: _, start_seconds, end_seconds } = word;
        let is_true = *start_seconds >= earliest && end_seconds >= start_seconds && *end_seconds <= MOST_SECONDS;
        if !is_true || count >= MOST_WORDS {
            return Vec::new();
        }
        earliest = *start_seconds;
    }
    let plain = |word: SungWord| SungWord { text: clean(&word.text), ..word };
    let line =
        |line: Vec<SungWord>| line.into_iter().map(plain).filter(|word| !word.text.is_empty()).collect::<Vec<_>>();
    lines.into_iter().map(line).filter(|line| !line.is_empty()).collect()
}

/// For a service of our own, which knows each option by name.
fn in_fields(sentence: &str, options: &Options, model: Option<&ModelChoice>) -> GenerateCall {
    let Options { style, genre, mood, tempo_bpm, key, chords, form, instruments, .. } = options;
    let Options { without, without_instruments, era, energy, seconds, instrumental, seed, .. } = options;
    let absent = without.iter().map(|role| role.name()).chain(without_instruments.iter().map(|one| one.name()));
    let names = |names: Vec<String>| (!names.is_empty()).then_some(names);
    GenerateCall {
        prompt: beginning(sentence),
        duration: *seconds,
        instruments: names(instruments.iter().map(|one| one.name().to_owned()).collect()),
        style: style.filter(|_| genre.is_none()).map(|style| style.name().to_owned()),
        genre: genre.map(|genre| genre.name().to_owned()),
        mood: mood.map(|mood| mood.name().to_owned()),
        bpm: *tempo_bpm,
        key: key.map(|key| key.to_string()),
        chords: chords.as_ref().map(ToString::to_string),
        form: form.as_ref().map(ToString::to_string),
        include_vocals: instrumental.map(|instrumental| !instrumental),
        energy: *energy,
        era: era.map(|era| era.to_string()),
        without: names(absent.map(str::to_owned).collect()),
        model: model.map(|model| model.name.to_string()),
        seed: Some(*seed),
        ..GenerateCall::default()
    }
}

/// For the older service, which hands a sentence on to a model: what was asked for beside it is said in it.
fn in_words(sentence: &str, options: &Options, model: Option<&ModelChoice>) -> GenerateCall {
    let mut words = Vec::new();
    words.extend(options.genre.map(|genre| genre.name().to_owned()).or(options.style.map(|s| s.name().to_owned())));
    words.extend(options.mood.map(Mood::name).map(str::to_owned));
    words.extend(options.tempo_bpm.map(|bpm| format!("{} BPM", bpm.round())));
    words.extend(options.key.map(|key| format!("in {key}")));
    words.extend(options.era.map(|era| format!("{era} sound")));
    words.extend(options.instruments.iter().map(|one| one.name().to_owned()));
    let absent = options.without.iter().map(|role| role.name());
    let absent = absent.chain(options.without_instruments.iter().map(|one| one.name()));
    words.extend(absent.map(|name| format!("no {name}")));
    words.extend(options.chords.as_ref().map(|chords| format!("chords {chords}")));
    words.extend(options.instrumental.map(|is| if is { "instrumental" } else { "with vocals" }.to_owned()));
    let sentence = sentence.trim();
    let prompt = if words.is_empty() { sentence.to_owned() } else { format!("{sentence}, {}", words.join(", ")) };
    let name = model.map(|model| model.name.to_string());
    let is_base = name.as_deref().is_some_and(|name| BASE_MODELS.contains(&name));
    GenerateCall {
        prompt: beginning(&prompt),
        // It takes whole seconds alone; what is too long is cut here.
        duration: Some(options.seconds.unwrap_or(USUAL_SECONDS).ceil()),
        include_vocals: options.instrumental.map(|instrumental| !instrumental),
        model_version: name.clone().filter(|_| is_base),
        style: name.filter(|_| !is_base),
        ..GenerateCall::default()
    }
}

fn beginning(text: &str) -> String {
    text.chars().take(MAX_PROMPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked() -> Options {
        Options {
            genre: Some("techno".parse().unwrap()),
            mood: Some("calm".parse().unwrap()),
            tempo_bpm: Some(96.0),
            key: Some(music::Key { tonic: 6, mode: music::Mode::Minor, confidence: 1.0 }),
            instruments: vec!["piano".parse().unwrap()],
            seconds: Some(31.5),
            instrumental: Some(true),
            seed: 7,
            ..Options::default()
        }
    }

    #[test]
    fn the_older_service_is_told_everything_in_one_sentence() {
        let body = in_words(" rain on a roof ", &asked(), None);
        for word in ["rain on a roof, ", "techno", "calm", "96 BPM", "piano", "instrumental"] {
            assert!(body.prompt.contains(word), "{word}: {}", body.prompt);
        }
        assert_eq!(body.duration, Some(32.0));
        let json = serde_json::to_value(&body).unwrap();
        assert_eq!(json.as_object().unwrap().keys().collect::<Vec<_>>(), ["duration", "include_vocals", "prompt"]);
        assert_eq!(in_words("x", &Options::default(), None).prompt, "x");
    }

    #[test]
    fn words_are_read_where_their_times_can_be_true() {
        let word = |text: &str, start: f64, end: f64| json!({"text": text, "startSeconds": start, "endSeconds": end});
        let check = |told: Value, expected: &[&[&str]]| {
            let lines = sung_lines(&told);
            let texts: Vec<Vec<&str>> =
                lines.iter().map(|line| line.iter().map(|word| word.text.as_str()).collect()).collect();
            assert_eq!(texts, expected, "{told}");
        };
        check(json!([[word("A", 0.5, 0.9), word("bo\nat", 1.0, 1.5)], [word(" ", 2.0, 2.1)]]), &[&["A", "bo at"]]);
        check(json!([[word("A", 0.5, 0.9)], [word("boat", 0.4, 0.6)]]), &[]);
        check(json!([[word("A", 0.5, 0.4)]]), &[]);
        check(json!([[word("A", 0.5, 601.0)]]), &[]);
        check(json!([vec![word("la", 1.0, 1.0); MOST_WORDS + 1]]), &[]);
        check(json!([["A"]]), &[]);
        check(json!(null), &[]);
    }

    #[test]
    fn a_model_goes_where_each_service_looks_for_it() {
        let choice = |name: &str| ModelChoice { name: name.into(), provider: "studio".into(), version: "1".into() };
        let check = |name: &str, base: Option<&str>, style: Option<&str>| {
            let body = in_words("x", &Options::default(), Some(&choice(name)));
            assert_eq!((body.model_version.as_deref(), body.style.as_deref()), (base, style));
            let own = in_fields("x", &Options::default(), Some(&choice(name)));
            assert_eq!(own.model.as_deref(), Some(name));
        };
        check("large", Some("large"), None);
        check("telecaster", None, Some("telecaster"));
    }
}
