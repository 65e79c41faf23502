//! Composition plans out of our own form: what a song is to be, part by part, as the vendor takes it. The first version
//! (`music_v1`) has sections, the second (all later models) chunks; a plan of the other version is an error there.

use compose::{ComposeError, Effective, Instrument, Options, Understanding};
use domain::options::Language;
use lyrics::{LyricLine, Lyrics};
use serde_json::{Value, json};
use settings::PlanLimits;

use super::{
    form::{self, Part},
    lines,
};
use crate::composing::ComposedSong;

/// Ours: nothing is documented for one style.
const LONGEST_STYLE: usize = 200;

/// Which form of plans a model takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PlanVersion {
    Sections,
    Chunks,
}

impl PlanVersion {
    pub fn of_model(model: &str) -> Self {
        if model.starts_with("music_v1") { Self::Sections } else { Self::Chunks }
    }
}

/// What is to be made.
#[derive(Clone, PartialEq, Debug)]
pub struct Draft {
    pub parts: Vec<Part>,
    pub is_sung: bool,
    /// The song of our own composer whose form it has.
    pub song: Box<ComposedSong>,
    /// How all of it is to sound, and how not.
    positive: Vec<String>,
    negative: Vec<String>,
    /// Of the vendor.
    limits: PlanLimits,
}

impl Draft {
    /// Plans a song as our own composer would: of the sentence and what stands beside it. Where nobody says a length, one that
    /// lies within `seconds` is chosen.
    ///
    /// # Errors
    /// What the composer has against what is asked.
    pub fn of(
        sentence: &str,
        options: &Options,
        seconds: &std::ops::RangeInclusive<f64>,
        limits: &PlanLimits,
    ) -> Result<Self, ComposeError> {
        let asked = compose::understand(sentence);
        let mut song = compose::compose(&asked, options)?;
        if options.seconds.or(asked.seconds).is_none() && !seconds.contains(&song.seconds) {
            let nearest = song.seconds.max(*seconds.start()).min(*seconds.end());
            song = compose::compose(&asked, &Options { seconds: Some(nearest), ..options.clone() })?;
        }
        let song = Box::new(ComposedSong::of(song, asked));
        let (asked, effective) = (&song.understanding, &song.effective);
        let is_sung = !effective.instrumental;
        let total_ms = (song.seconds * 1000.0).round() as u64;
        Ok(Self {
            parts: form::parts(&song.sections, total_ms, is_sung, limits),
            is_sung,
            positive: bounded(positive(sentence, asked, options, effective), limits.styles),
            negative: bounded(negative(effective), limits.styles),
            limits: limits.clone(),
            song,
        })
    }

    pub fn ms(&self) -> u64 {
        self.parts.iter().map(|part| part.ms).sum()
    }

    pub fn seconds(&self) -> f64 {
        self.ms() as f64 / 1000.0
    }

    /// As the vendor takes it; `lines` are sung, part by part, and may be fewer than there are parts.
    pub fn plan(&self, version: PlanVersion, lines: &[Vec<String>]) -> Value {
        let lines_of = |index: usize| lines.get(index).map(Vec::as_slice).unwrap_or_default();
        let styles = |part: &Part, has_lines: bool| {
            let positive: Vec<&str> = part.style.into_iter().collect();
            let negative = if self.is_sung && !part.sings && !has_lines { vec!["vocals"] } else { Vec::new() };
            (positive, negative)
        };
        let part = |(index, part): (usize, &Part)| {
            let lines = lines_of(index);
            let (positive, negative) = styles(part, !lines.is_empty());
            match version {
                PlanVersion::Sections => json!({
                    "section_name": part.name,
                    "positive_local_styles": positive,
                    "negative_local_styles": negative,
                    "duration_ms": part.ms,
                    "lines": lines,
                }),
                PlanVersion::Chunks => json!({
                    "text": lines.join("\n"),
                    "duration_ms": part.ms,
                    "positive_styles": bounded(
                        [part.name.to_lowercase()].into_iter().chain(positive.iter().map(|style| (*style).to_owned()))
                            .chain(self.positive.iter().cloned()),
                        self.limits.styles,
                    ),
                    "negative_styles": bounded(
                        negative.iter().map(|style| (*style).to_owned()).chain(self.negative.iter().cloned()),
                        self.limits.styles,
                    ),
                    "context_adherence": "medium",
                }),
            }
        };
        let parts: Vec<Value> = self.parts.iter().enumerate().map(part).collect();
        match version {
            PlanVersion::Sections => json!({
                "positive_global_styles": self.positive,
                "negative_global_styles": self.negative,
                "sections": parts,
            }),
            PlanVersion::Chunks => json!({ "chunks": parts }),
        }
    }

    /// The first rule of the vendor that a plan with these lines would break: such a plan is not sent.
    pub fn broken_rule(&self, lines: &[Vec<String>]) -> Option<String> {
        let PlanLimits { part_ms, parts: most_parts, lines: most_lines, line_chars, name_chars, .. } = &self.limits;
        if self.parts.is_empty() || self.parts.len() > *most_parts || lines.len() > self.parts.len() {
            return Some(format!("a plan has 1 to {most_parts} parts, and lines for no others"));
        }
        let is_fine = |part: &Part| {
            let name = part.name.chars().count();
            part_ms.contains(&part.ms) && (1..=*name_chars).contains(&name)
        };
        if let Some(part) = self.parts.iter().find(|part| !is_fine(part)) {
            return Some(format!("the part {} of {} ms is out of its range", part.name, part.ms));
        }
        let are_fine = |lines: &Vec<String>| {
            lines.len() <= *most_lines && lines.iter().all(|line| line.chars().count() <= *line_chars)
        };
        if !lines.iter().all(are_fine) {
            return Some(format!("a part has at most {most_lines} lines of {line_chars} characters"));
        }
        None
    }

    /// Words to the melody of our song, in the parts in which they begin.
    pub fn place(&self, words: &Lyrics) -> Vec<Vec<String>> {
        let timed = |line: &LyricLine| {
            let note = self.song.melody.notes.get(line.syllables.first()?.note)?;
            Some(((note.onset_seconds * 1000.0).round() as u64, line.text.clone()))
        };
        let timed: Vec<(u64, String)> = words.lines.iter().filter_map(timed).collect();
        lines::place(&self.parts, &timed, &self.limits)
    }

    /// The words of a plan of the vendor's, dealt to our parts.
    pub fn deal(&self, theirs: &Value) -> Vec<Vec<String>> {
        lines::deal(&self.parts, lines::of_plan(theirs, &self.limits), &self.limits)
    }
}

/// What the song is to be. What nobody asked for is left to the vendor, but for what our form follows from: style, tempo, key.
fn positive(sentence: &str, asked: &Understanding, options: &Options, song: &Effective) -> Vec<String> {
    let mut styles = vec![song.genre.map_or_else(|| song.style.name(), |genre| genre.name()).to_owned()];
    styles.extend(song.mood.map(|mood| mood.name().to_owned()));
    styles.push(format!("{:.0} BPM", song.tempo_bpm));
    styles.push(song.key.to_string());
    styles.push(format!("{} time", song.meter));
    styles.extend(song.era.map(|era| format!("{era} sound")));
    if options.energy.or(asked.energy).is_some() {
        let word = match song.energy {
            energy if energy < 0.35 => "low energy",
            energy if energy > 0.7 => "high energy",
            _ => "medium energy",
        };
        styles.push(word.to_owned());
    }
    let is_out = |one: &&Instrument| song.without.iter().any(|name| name == one.name());
    let mut instruments: Vec<&str> = Vec::new();
    for one in options.instruments.iter().chain(&asked.instruments).filter(|one| !is_out(one)) {
        let name = one.name();
        if !instruments.contains(&name) {
            instruments.push(name);
        }
    }
    styles.extend(instruments.into_iter().map(|name| name.replace('-', " ")));
    if song.instrumental {
        styles.push("instrumental".to_owned());
    } else {
        let language = match asked.language {
            Some(Language::Spanish) => " in Spanish",
            Some(Language::English) => " in English",
            None => "",
        };
        styles.push(format!("vocals{language}"));
    }
    // A plan has no prompt: what our reading of the sentence leaves out would be lost.
    styles.push(sentence.to_owned());
    styles
}

/// What is not to be heard: what the sentence and the options rule out, and voices where nobody sings.
fn negative(song: &Effective) -> Vec<String> {
    let voices = song.instrumental.then(|| ["vocals".to_owned(), "singing".to_owned()]);
    song.without.iter().map(|name| name.replace('-', " ")).chain(voices.into_iter().flatten()).collect()
}

/// Not too many, none too long, none empty, none twice.
fn bounded(styles: impl IntoIterator<Item = String>, most: usize) -> Vec<String> {
    let mut kept: Vec<String> = Vec::new();
    for style in styles {
        let style = lines::shortened(&style, LONGEST_STYLE);
        if !style.is_empty() && !kept.contains(&style) && kept.len() < most {
            kept.push(style);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draft(sentence: &str, options: &Options) -> Draft {
        Draft::of(sentence, options, &(3.0..=600.0), &PlanLimits::default()).unwrap()
    }

    #[test]
    fn parts_are_within_the_rules_and_make_up_the_length_whatever_it_is() {
        let sentences =
            ["a fast rock song", "a slow waltz, with vocals", "12 bar blues", "calm ambient at 40 bpm, sung"];
        let lengths = (3..30).map(|tenth| f64::from(tenth) + 0.137).chain((30..=600).step_by(19).map(f64::from));
        for (index, seconds) in lengths.chain([3.0, 5.999, 6.0, 119.999, 120.001, 600.0]).enumerate() {
            let sentence = sentences[index % sentences.len()];
            let options = Options { seconds: Some(seconds), seed: index as u64, ..Options::default() };
            let draft = draft(sentence, &options);
            assert_eq!(draft.ms(), (seconds * 1000.0).round() as u64, "{sentence}, {seconds} s: {:?}", draft.parts);
            assert_eq!(draft.broken_rule(&[]), None, "{sentence}, {seconds} s");
            assert_eq!(draft.parts.iter().any(|part| part.sings), draft.is_sung, "{sentence}, {seconds} s");
        }
    }

    #[test]
    fn the_sentence_says_what_is_heard_and_what_is_not() {
        let options = Options { seconds: Some(40.0), ..Options::default() };
        let plan = draft("sad bossa nova in D minor at 96 bpm with flute, no drums", &options)
            .plan(PlanVersion::Sections, &[]);
        let has = |list: &str, style: &str| plan[list].as_array().unwrap().iter().any(|own| own == style);
        for style in ["bossa", "sad", "96 BPM", "D minor", "flute", "instrumental"] {
            assert!(has("positive_global_styles", style), "{style}: {plan}");
        }
        for style in ["drums", "vocals"] {
            assert!(has("negative_global_styles", style), "{style}: {plan}");
        }
        assert!(plan["chunks"].is_null() && plan["sections"][0]["section_name"].is_string(), "{plan}");
    }

    #[test]
    fn a_part_that_nobody_sings_in_is_told_so() {
        let draft = draft("a pop song with vocals", &Options { seconds: Some(90.0), ..Options::default() });
        let lines: Vec<Vec<String>> =
            draft.parts.iter().map(|part| if part.sings { vec!["La la".to_owned()] } else { Vec::new() }).collect();
        let (one, two) = (draft.plan(PlanVersion::Sections, &lines), draft.plan(PlanVersion::Chunks, &lines));
        for (index, part) in draft.parts.iter().enumerate() {
            let (section, chunk) = (&one["sections"][index], &two["chunks"][index]);
            assert_eq!((&section["duration_ms"], &chunk["duration_ms"]), (&json!(part.ms), &json!(part.ms)));
            assert_eq!(section["lines"].as_array().unwrap().is_empty(), !part.sings, "{section}");
            assert_eq!(chunk["text"] == "", !part.sings, "{chunk}");
            let is_ruled_out = |styles: &Value| styles.as_array().unwrap().iter().any(|style| style == "vocals");
            assert_eq!(is_ruled_out(&section["negative_local_styles"]), !part.sings, "{section}");
            assert_eq!(is_ruled_out(&chunk["negative_styles"]), !part.sings, "{chunk}");
        }
    }

    #[test]
    fn a_length_that_nobody_says_is_one_that_the_vendor_makes() {
        let of =
            |sentence: &str| Draft::of(sentence, &Options::default(), &(3.0..=20.0), &PlanLimits::default()).unwrap();
        let short = of("a slow ballad");
        assert_eq!(short.ms(), 20_000);
        let asked = of("a ballad of 30 seconds");
        assert_eq!(asked.ms(), 30_000, "what is asked for is not changed silently");
    }

    #[test]
    fn plans_that_break_a_rule_are_known() {
        let good = draft("folk", &Options { seconds: Some(30.0), ..Options::default() });
        let lines = |count: usize, chars: usize| vec![vec!["x".repeat(chars); count]];
        assert_eq!(good.broken_rule(&lines(30, 200)), None);
        assert!(good.broken_rule(&lines(31, 1)).is_some());
        assert!(good.broken_rule(&lines(1, 201)).is_some());
        let stricter =
            Draft { limits: PlanLimits { lines: 4, line_chars: 40, ..PlanLimits::default() }, ..good.clone() };
        assert_eq!(stricter.broken_rule(&lines(4, 40)), None);
        assert!(stricter.broken_rule(&lines(5, 1)).is_some());
        assert!(stricter.broken_rule(&lines(1, 41)).is_some_and(|rule| rule.contains("4 lines of 40 characters")));
        let with = |change: fn(&mut Vec<Part>)| {
            let mut draft = good.clone();
            change(&mut draft.parts);
            draft.broken_rule(&[]).is_some()
        };
        assert!(with(Vec::clear));
        assert!(with(|parts| parts[0].ms = 2_999));
        assert!(with(|parts| parts[0].ms = 120_001));
        assert!(with(|parts| parts[0].name.clear()));
        assert!(with(|parts| *parts = vec![parts[0].clone(); 31]));
    }
}
