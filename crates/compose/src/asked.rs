//! What a request asks for, as the composer takes it: its words become styles, moods, instruments, charts and forms, or are
//! refused with what there is. Whoever accepts a request asks here, so that nothing is accepted that the composer refuses.

use std::str::FromStr;

use domain::{
    InvalidField, KeyChoice,
    kinds::composition::{CompositionOptions, CompositionRequest, LEAST_SUNG_MS},
    kinds::melody_vocals::Label,
};
use music::{Key, Mode};

use crate::{
    ChordChart, ComposeError, Era, Form, Genre, Instrument, MOST_SECONDS, Mood, Options, Role, Style, Understanding,
    Without, brief::Brief, understand,
};

/// The request with everything decided that depends on the sentence, if a song can be made of it.
///
/// # Errors
/// The first field that the composer does not know, or that cannot be beside another.
pub fn settled(request: CompositionRequest) -> Result<CompositionRequest, InvalidField> {
    let of_fields = options(&request)?;
    let sentence = understand(request.prompt.as_str());
    let mut request = request.settled(sentence.instrumental)?;
    if request.is_sung() {
        request.options.language = request.options.language.or(sentence.language);
    }
    // What the sentence says counts where nothing is said beside it.
    if let Some(seconds) = sentence.seconds.filter(|_| request.options.length_ms.is_none()) {
        let least = if request.is_sung() { f64::from(LEAST_SUNG_MS) / 1000.0 } else { crate::LEAST_SECONDS };
        if !(least..=MOST_SECONDS).contains(&seconds) {
            return Err(wrong("prompt", format!("it asks for {seconds} seconds: say {least} to {MOST_SECONDS}")));
        }
    }
    let options = Options { instrumental: request.options.instrumental, ..of_fields };
    Brief::of(&sentence, &options).map_err(|error| refused(error, &sentence, &options))?;
    Ok(request)
}

/// Why there is no song, at the field that asks for what cannot be.
fn refused(error: ComposeError, sentence: &Understanding, options: &Options) -> InvalidField {
    let field = match error {
        ComposeError::Seconds { .. } if options.seconds.is_some() => "lengthMs",
        ComposeError::Tempo { .. } if options.tempo_bpm.is_some() => "tempo",
        ComposeError::Tempo { .. } if sentence.tempo_bpm.is_none() => "chords",
        ComposeError::Chart(_) => "chords",
        ComposeError::Style { .. } => "style",
        ComposeError::NobodyPlays if !options.without.is_empty() || !options.without_instruments.is_empty() => {
            "without"
        }
        _ => "prompt",
    };
    wrong(field, error.to_string())
}

/// What the composer is asked for.
///
/// # Errors
/// The first field that it does not know.
pub fn options(request: &CompositionRequest) -> Result<Options, InvalidField> {
    // Stems, formats, the language and the voice are for whoever plays and sings, a model for whoever is asked for it.
    let CompositionOptions {
        length_ms,
        output_format: _,
        tempo_bpm,
        key,
        style,
        mood,
        instruments,
        instrumental,
        chords,
        form,
        stems: _,
        formats: _,
        language: _,
        voice: _,
        energy,
        era,
        without,
        model: _,
    } = &request.options;
    let (style, genre) = style_or_genre(style.as_ref())?;
    let mood: Option<Mood> = of_list("mood", mood.as_ref(), || Mood::ALL.map(Mood::name).join(", "))?;
    let known = || Instrument::ALL.iter().map(|instrument| instrument.name()).collect::<Vec<_>>().join(", ");
    let instruments: Result<Vec<Option<Instrument>>, InvalidField> =
        instruments.iter().map(|name| of_list("instruments", Some(name), known)).collect();
    let instruments: Vec<Instrument> = instruments?.into_iter().flatten().collect();
    let parts = || format!("melody, chords, pad, bass, drums, {}", known());
    let without: Result<Vec<Option<Without>>, InvalidField> =
        without.iter().map(|name| of_list("without", Some(name), parts)).collect();
    let without: Vec<Without> = without?.into_iter().flatten().collect();
    let is_out = |one: &&Instrument| {
        let is_whole_part = matches!(one.role(), Role::Drums | Role::Bass);
        let is_part_out = |own: &Without| is_whole_part && own.roles.contains(&one.role());
        without.iter().any(|own| own.instruments.contains(one) || is_part_out(own))
    };
    if let Some(one) = instruments.iter().find(is_out) {
        return Err(wrong("without", format!("{one} is among the instruments, too: leave it out of one of the two")));
    }
    let chords = chords.as_ref().map(|chart| chart.as_str().parse::<ChordChart>()).transpose();
    let form = form.as_ref().map(|form| form.parse::<Form>()).transpose();
    Ok(Options {
        style,
        genre,
        mood,
        tempo_bpm: *tempo_bpm,
        key: key.map(of_choice),
        chords: chords.map_err(|error| wrong("chords", error.to_string()))?,
        form: form.map_err(|error| wrong("form", error.to_string()))?,
        instruments,
        without: without.iter().flat_map(|own| &own.roles).copied().collect(),
        without_instruments: without.iter().flat_map(|own| &own.instruments).copied().collect(),
        energy: *energy,
        era: era.map(|decade| Era { decade: decade.first_year() }),
        seconds: length_ms.map(|length| f64::from(length) / 1000.0),
        instrumental: *instrumental,
        seed: request.seed,
    })
}

/// A style by name, or a genre that is played in one.
fn style_or_genre(word: Option<&Label>) -> Result<(Option<Style>, Option<Genre>), InvalidField> {
    let genre = word.and_then(|word| word.as_str().parse::<Genre>().ok());
    if genre.is_some() {
        return Ok((genre.map(Genre::style), genre));
    }
    let known = || {
        let (styles, genres): (Vec<_>, Vec<_>) =
            (Style::ALL.map(Style::name).to_vec(), Genre::all().map(Genre::name).collect());
        format!("{}; or a genre that is played in one: {}", styles.join(", "), genres.join(", "))
    };
    of_list("style", word, known).map(|style| (style, None))
}

/// A word of a list. What was sent is not repeated: it may be long, or private.
fn of_list<T: FromStr>(
    field: &'static str,
    word: Option<&Label>,
    known: impl Fn() -> String,
) -> Result<Option<T>, InvalidField> {
    let Some(word) = word else { return Ok(None) };
    word.as_str().parse().map(Some).map_err(|_| wrong(field, format!("expected one of {}", known())))
}

fn of_choice(key: KeyChoice) -> Key {
    Key { tonic: key.tonic, mode: if key.minor { Mode::Minor } else { Mode::Major }, confidence: 1.0 }
}

fn wrong(field: &'static str, detail: String) -> InvalidField {
    InvalidField { field, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(fields: &[(&str, &'static str)]) -> Result<CompositionRequest, InvalidField> {
        let prompt = ("prompt", "upbeat electronic music");
        let field =
            |name: &str| fields.iter().chain([&prompt]).find(|(field, _)| *field == name).map(|(_, text)| *text);
        settled(CompositionRequest::read(field, 7)?)
    }

    #[test]
    fn what_is_asked_for_is_what_is_made() {
        let asked = request(&[
            ("lengthMs", "31500"),
            ("tempo", "96"),
            ("key", "F# minor"),
            ("genre", "bossa nova"),
            ("mood", "Calm"),
            ("instruments", "Piano"),
            ("chords", "| C | Am F |"),
            ("form", "ab-a"),
            ("seed", "3"),
            ("energy", "0.8"),
            ("era", "70s"),
            ("without", "drums, synths"),
        ]);
        let expected = Options {
            style: Some(Style::Bossa),
            mood: Some(Mood::Calm),
            tempo_bpm: Some(96.0),
            key: Some(Key { tonic: 6, mode: Mode::Minor, confidence: 1.0 }),
            chords: Some("| C | Am F |".parse().unwrap()),
            form: Some("ABA".parse().unwrap()),
            instruments: vec!["piano".parse().unwrap()],
            without: vec![Role::Drums],
            without_instruments: vec![Instrument::SynthLead, Instrument::SynthPad, Instrument::SynthBass],
            energy: Some(0.8),
            era: Some(Era { decade: 1970 }),
            seconds: Some(31.5),
            instrumental: Some(true),
            seed: 3,
            ..Options::default()
        };
        assert_eq!(options(&asked.unwrap()).unwrap(), expected);
    }

    #[test]
    fn what_the_composer_does_not_know_is_refused_with_what_there_is() {
        let check = |field: &'static str, text: &'static str, says: &str| {
            let error = request(&[(field, text)]).unwrap_err();
            let of = if field == "genre" { "style" } else { field };
            assert_eq!(error.field, of);
            assert!(error.detail.contains(says) && !error.detail.contains(text), "{error}");
        };
        check("style", "polka-dub-zydeco", "expected one of pop, rock, ballad");
        check("genre", "gregorian chant", "expected one of pop");
        check("mood", "hungry", "expected one of happy, sad");
        check("instruments", "kazoo orchestra", "piano");
        assert!(request(&[("chords", "| C | H |")]).unwrap_err().detail.contains("line 1, column 7"));
        assert_eq!(request(&[("chords", "once upon a time")]).unwrap_err().field, "chords");
    }

    #[test]
    fn a_genre_is_played_in_a_style() {
        for field in ["style", "genre"] {
            let asked = options(&request(&[(field, "Drum-and-Bass")]).unwrap()).unwrap();
            assert_eq!((asked.style, asked.genre.map(Genre::name)), (Some(Style::House), Some("drum and bass")));
        }
        assert_eq!(options(&request(&[("style", "rock")]).unwrap()).unwrap().genre, None);
        let refused = request(&[("style", "zydeco")]).unwrap_err();
        assert!(refused.detail.contains("ambient; or a genre") && refused.detail.contains("techno"), "{refused}");
    }

    #[test]
    fn what_is_both_wanted_and_not_is_refused() {
        let check = |instruments: &'static str, without: &'static str, is_refused: bool| {
            let asked = request(&[("instruments", instruments), ("without", without)]);
            let field = asked.err().map(|error| error.field);
            assert_eq!(field, is_refused.then_some("without"), "{instruments} without {without}");
        };
        check("piano", "piano", true);
        check("nylon guitar", "guitars", true);
        check("drums", "drums", true);
        check("double bass", "bass", true);
        check("piano", "bass, drums", false);
        let all = request(&[("without", "melody, chords, pad, bass, drums")]).unwrap_err();
        assert!(all.field == "without" && all.detail.contains("at least one"), "{all}");
        assert_eq!(request(&[("without", "kazoo")]).unwrap_err().field, "without");
    }

    #[test]
    fn the_words_are_in_the_language_of_the_sentence_unless_another_is_chosen() {
        use domain::options::Language;
        let of = |fields: &[(&str, &'static str)]| request(fields).unwrap().options.language;
        let spanish = ("prompt", "una canción triste sobre el mar, con una voz");
        let sung = ("instrumental", "false");
        assert_eq!(of(&[spanish, sung]), Some(Language::Spanish));
        assert_eq!(of(&[spanish, ("language", "en")]), Some(Language::English));
        assert_eq!(of(&[spanish]), None, "nobody sings");
        assert_eq!(of(&[("prompt", "a folk song in Spanish with vocals")]), Some(Language::Spanish));
        assert_eq!(of(&[("prompt", "a song about Los Angeles and El Paso"), sung]), None);
    }

    #[test]
    fn the_sentence_counts_where_nothing_is_said_beside_it() {
        let of = |prompt: &'static str, more: &[(&str, &'static str)]| {
            request(&[&[("prompt", prompt)], more].concat()).map(|request| request.is_sung())
        };
        assert_eq!(of("a folk song with vocals", &[]), Ok(true));
        assert_eq!(
            of("a folk song with vocals", &[("instrumental", "true")]),
            Ok(false),
            "what is said beside it wins"
        );
        assert_eq!(of("a folk song", &[]), Ok(false));
        assert_eq!(of("a folk song with vocals", &[("lengthMs", "5000")]).unwrap_err().field, "lengthMs");
    }

    #[test]
    fn what_the_composer_would_refuse_is_refused_before() {
        let check = |prompt: &'static str, more: &[(&str, &'static str)], field: &str, says: &str| {
            let error = request(&[&[("prompt", prompt)], more].concat()).unwrap_err();
            assert!(error.field == field && error.detail.contains(says), "{prompt}: {error}");
        };
        check("techno at 300 bpm", &[], "prompt", "from 40 to 240 bpm");
        check("20 bpm", &[], "prompt", "from 40 to 240 bpm");
        check("folk", &[("chords", "{tempo: 300}\n[C]la [G]la")], "chords", "from 40 to 240 bpm");
        check("no melody, no chords, no bass, no drums, no pads", &[], "prompt", "at least one");
        check("20 minutes of ambient", &[], "prompt", "seconds");
        // What is said beside the sentence wins over it.
        assert!(request(&[("prompt", "techno at 300 bpm"), ("tempo", "130")]).is_ok());
        assert!(
            request(&[("prompt", "no melody, no chords, no bass, no drums, no pads"), ("instruments", "piano")])
                .is_ok()
        );
    }

    /// What a request may ask for, the composer takes.
    #[test]
    fn both_have_the_same_ranges() {
        let (bpm, length) = (CompositionRequest::BPM, CompositionRequest::LENGTH_MS);
        assert_eq!((*bpm.start(), *bpm.end()), (crate::LEAST_BPM, crate::MOST_BPM));
        assert_eq!(f64::from(*length.start()) / 1000.0, crate::LEAST_SECONDS);
        assert_eq!(f64::from(*length.end()) / 1000.0, MOST_SECONDS);
        for (letters, is_form) in
            [(CompositionRequest::MOST_LETTERS, true), (CompositionRequest::MOST_LETTERS + 1, false)]
        {
            assert_eq!("D".repeat(letters).parse::<Form>().is_ok(), is_form);
        }
    }
}
