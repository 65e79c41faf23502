//! What is asked for, put together: options first, then the sentence, then the style, then the seed.

use music::{Key, Meter, Mode};

use crate::{
    chart::ChordChart,
    chord::Chord,
    dice::{Dice, Matter},
    error::ComposeError,
    genre::{Genre, TempoRange},
    instrument::Instrument,
    limits::{LEAST_BPM, MOST_BPM},
    options::{Options, check_seconds},
    players::{self, Players},
    role::Role,
    spec::Spec,
    style::Style,
    understand::Understanding,
    wishes::{Era, Form, Mood},
};

/// Everything that is decided before the first bar.
pub struct Brief<'a> {
    pub spec: &'static Spec,
    pub seed: u64,
    pub key: Key,
    pub mood: Option<Mood>,
    pub energy: f64,
    pub era: Option<Era>,
    /// What is left out because that is asked for, by name.
    pub without: Vec<String>,
    pub genre: Option<Genre>,
    /// Preferred, or asked for.
    pub bpm: f64,
    /// Slowest, usual and fastest of the style, or of the genre that it stands in for.
    pub tempo: TempoRange,
    pub tempo_is_given: bool,
    pub seconds: Option<f64>,
    pub chart: Option<&'a ChordChart>,
    pub form: Option<&'a Form>,
    pub instrumental: bool,
    pub players: Players,
    pub warnings: Vec<String>,
}

/// A singer's range, in MIDI keys.
const VOICE: (u8, u8) = (60, 77);

impl<'a> Brief<'a> {
    /// # Errors
    ///
    /// What [`Options::check`] says, and the same of lengths and tempos in the sentence.
    pub fn of(asked: &'a Understanding, options: &'a Options) -> Result<Self, ComposeError> {
        options.check()?;
        let seconds = options.seconds.or(asked.seconds);
        seconds.map_or(Ok(()), check_seconds)?;
        let chart = options.chords.as_ref();
        let mut warnings: Vec<String> = Vec::new();
        let mood = options.mood.or(asked.mood);
        let genre = genre(asked, options);
        let style = style(asked, options, mood, &mut warnings);
        let spec = Spec::of(style)?;
        if let Some(meter) = chart.and_then(|chart| chart.meter).filter(|meter| *meter != spec.meter) {
            warnings.push(format!(
                "the chart is in {meter} and {style} in {}: its bars are played in {}",
                spec.meter, spec.meter
            ));
        }
        let mut dice = Dice::new(options.seed, Matter::Brief, style.index() as u32);
        let energy = options.energy.or(asked.energy).or(mood.map(Mood::energy)).unwrap_or(0.5);
        let given = options.tempo_bpm.or(asked.tempo_bpm).or(chart.and_then(|chart| chart.tempo_bpm));
        if let Some(bpm) = given.filter(|bpm| !(LEAST_BPM..=MOST_BPM).contains(bpm)) {
            return Err(ComposeError::Tempo { bpm });
        }
        let tempo = genre.and_then(Genre::tempo).unwrap_or(spec.tempo);
        let (slowest, usual, fastest) = tempo;
        if let Some(bpm) = given.filter(|bpm| !(slowest..=fastest).contains(bpm)) {
            let name = genre.map_or_else(|| style.name(), Genre::name);
            warnings.push(format!(
                "{name} is usually played at {slowest}–{fastest} bpm; {bpm} bpm were asked for and are kept"
            ));
        }
        let whim = 0.5 * dice.bell();
        let pace = asked.pace.unwrap_or_else(|| mood.map_or(0.0, Mood::pace)).clamp(-1.0, 1.0);
        // What is said leaves little to chance, also "medium".
        let freedom = if asked.pace.is_some() { 0.2 } else { 1.0 - pace.abs() };
        let lean = (0.8 * pace + whim * freedom).clamp(-1.0, 1.0);
        let free = usual + if lean > 0.0 { lean * (fastest - usual) } else { lean * (usual - slowest) };
        if let Some(genre) = genre {
            // Where the tempo is the genre's own it may be moved a little to meet the length.
            let at = if given.is_none() && genre.tempo().is_some() {
                format!(" at about {free:.0} bpm")
            } else {
                String::new()
            };
            warnings.push(genre.note() + &at);
        }
        let key = key(asked, options, mood, chart, spec, &mut dice, &mut warnings);
        let players = players::choose(asked, options, (spec, genre), &mut dice, &mut warnings)?;
        Ok(Self {
            spec,
            seed: options.seed,
            key,
            mood,
            energy,
            era: options.era.or(asked.era),
            without: without(asked, options),
            genre,
            bpm: given.unwrap_or(free),
            tempo,
            tempo_is_given: given.is_some(),
            seconds,
            chart,
            form: options.form.as_ref().or(asked.form.as_ref()),
            instrumental: options.instrumental.or(asked.instrumental).unwrap_or(true),
            players,
            warnings,
        })
    }

    /// Chance of one matter of this song; `place` tells sections and the like apart.
    pub fn dice(&self, matter: Matter, place: u32) -> Dice {
        Dice::new(self.seed, matter, (self.spec.style.index() as u32) << 16 | place & 0xffff)
    }

    pub fn register(&self, role: Role) -> (u8, u8) {
        if role == Role::Melody && !self.instrumental {
            return VOICE;
        }
        self.spec.registers[role.index()]
    }

    pub fn beats(&self) -> u32 {
        self.spec.meter.quarters_per_bar()
    }
}

/// Parts and instruments that are ruled out, of the sentence only those that are not asked for beside it.
fn without(asked: &Understanding, options: &Options) -> Vec<String> {
    let roles = asked.without.iter().filter(|role| options.instruments.iter().all(|one| one.role() != **role));
    let instruments = asked.without_instruments.iter().filter(|one| !options.instruments.contains(one));
    let mut names: Vec<String> = Vec::new();
    let roles = options.without.iter().chain(roles).map(|role| role.name().to_owned());
    let instruments = options.without_instruments.iter().chain(instruments).map(|one| one.name().to_owned());
    for name in roles.chain(instruments) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// The genre that the style stands in for. One that the sentence names is overridden by any style beside it.
fn genre(asked: &Understanding, options: &Options) -> Option<Genre> {
    match (options.style, options.genre) {
        (None, None) => asked.genre.filter(|genre| asked.style == Some(genre.style())),
        (Some(style), genre) => genre.filter(|genre| genre.style() == style),
        (None, genre) => genre,
    }
}

fn style(asked: &Understanding, options: &Options, mood: Option<Mood>, warnings: &mut Vec<String>) -> Style {
    let of_options = options.style.or(options.genre.map(Genre::style));
    if let Some(style) = of_options.or(asked.style) {
        return style;
    }
    let in_three = options.chords.as_ref().and_then(|chart| chart.meter) == Some(Meter::ThreeFour);
    let has = |instrument| asked.instruments.contains(&instrument) || options.instruments.contains(&instrument);
    let style = match mood {
        _ if in_three => Style::Waltz,
        _ if has(Instrument::Banjo) => Style::Bluegrass,
        _ if has(Instrument::DistortedGuitar) => Style::Rock,
        Some(Mood::Sad | Mood::Calm | Mood::Romantic) => Style::Ballad,
        Some(Mood::Dark | Mood::Epic | Mood::Tense) => Style::Cinematic,
        Some(Mood::Dreamy) => Style::Ambient,
        Some(Mood::Energetic) => Style::Rock,
        Some(Mood::Playful) => Style::Folk,
        Some(Mood::Happy) | None => Style::Pop,
    };
    warnings.push(format!("no style was asked for: the band plays {style}"));
    style
}

fn key(
    asked: &Understanding,
    options: &Options,
    mood: Option<Mood>,
    chart: Option<&ChordChart>,
    spec: &Spec,
    dice: &mut Dice,
    warnings: &mut Vec<String>,
) -> Key {
    const COMMON: [u8; 8] = [0, 2, 4, 5, 7, 9, 10, 3];
    let other = dice.chance(spec.other_mode_share);
    let usual = match (spec.mode, other) {
        (mode, false) => mode,
        (Mode::Major, true) => Mode::Minor,
        (Mode::Minor, true) => Mode::Major,
    };
    let whim = dice.pick(&COMMON).copied().unwrap_or(0);
    if let Some(key) = options.key {
        return Key { tonic: key.tonic % 12, ..key };
    }
    if let Some(chart) = chart {
        let said = chart.key.as_deref().and_then(Chord::parse);
        let mode = |chord: &Chord| if chord.quality.has_minor_third() { Mode::Minor } else { Mode::Major };
        let of_chart = said.map(|chord| (chord.root, mode(&chord))).unwrap_or_else(|| key_of(chart));
        let (tonic, mode) = (of_chart.0, of_chart.1);
        if asked.tonic.is_some_and(|tonic| tonic != of_chart.0) {
            warnings
                .push("the chords are played as the chart has them, not in the key that the sentence names".to_owned());
        }
        return Key { tonic, mode, confidence: 1.0 };
    }
    let mode = asked.mode.or(mood.and_then(Mood::mode)).unwrap_or(usual);
    Key { tonic: asked.tonic.unwrap_or(whim), mode, confidence: 1.0 }
}

/// The key in which most of a chart's chords lie; its last and first chord count for more.
fn key_of(chart: &ChordChart) -> (u8, Mode) {
    let chords: Vec<&Chord> = chart.bars().iter().flat_map(|bar| &bar.chords).collect();
    let mut best = (f64::MIN, (0, Mode::Major));
    for tonic in 0..12u8 {
        for (mode, scale) in [(Mode::Major, [0, 2, 4, 5, 7, 9, 11]), (Mode::Minor, [0, 2, 3, 5, 7, 8, 10])] {
            let is_tonic =
                |chord: &Chord| chord.root == tonic && chord.quality.has_minor_third() == (mode == Mode::Minor);
            let inside = |chord: &Chord| {
                let notes = chord.classes().take(3);
                let count = notes.filter(|class| scale.contains(&((class + 12 - tonic) % 12))).count();
                count as f64 / 3.0
            };
            let mut score: f64 = chords.iter().map(|chord| inside(chord)).sum::<f64>() / chords.len().max(1) as f64;
            score += chords.iter().filter(|chord| is_tonic(chord)).count() as f64 / chords.len().max(1) as f64;
            score += if chords.last().is_some_and(|last| is_tonic(last)) { 0.3 } else { 0.0 };
            score += if chords.first().is_some_and(|first| is_tonic(first)) { 0.3 } else { 0.0 };
            // The dominant of minor is often major.
            let dominant = |chord: &&&Chord| chord.root == (tonic + 7) % 12 && !chord.quality.has_minor_third();
            score += if chords.iter().any(|chord| dominant(&chord)) { 0.15 } else { 0.0 };
            if score > best.0 {
                best = (score, (tonic, mode));
            }
        }
    }
    best.1
}
