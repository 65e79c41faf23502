//! A band for a melody that somebody has sung: harmony that fits it, an intro before it and an ending after it, fills where it
//! rests. The band follows the singer's beat, or the melody is brought to an even one.

mod beats;
mod choose;
mod chords;
mod lead;
mod sections;
mod timeline;

use domain::options::Beat;
use music::{Melody, harmony};

use self::{beats::SungBeats, choose::Choice, timeline::Timeline};
use crate::{
    band, breath,
    brief::Brief,
    compose::{chords as chord_spans, effective, sections as section_spans},
    composition::Composition,
    ending, era,
    error::ComposeError,
    options::Options,
    plan::Plan,
    role::{LineNote, Role},
    sung::players,
    understand::{Understanding, understand},
    write,
};

/// What is asked of a band.
#[derive(Clone, Copy, Debug)]
pub struct BandWish<'a> {
    /// In free words: its style, its instruments.
    pub genre: Option<&'a str>,
    pub mood: Option<&'a str>,
    /// What the song is about; read for a style where no genre is given.
    pub sentence: &'a str,
    pub beat: Beat,
    pub seed: u64,
}

/// A melody with its band.
#[derive(Clone, PartialEq, Debug)]
pub struct Accompanied {
    /// The band, and the melody as it is to be sung with it: its times are those of the song, its beats those of the band.
    /// The role "melody" is the instrument that plays the intro and the fills.
    pub song: Composition,
    /// Whether the style was asked for and not chosen.
    pub style_is_asked: bool,
    /// Chords under the melody, without what the style adds to them; in seconds of the song.
    pub harmony: Vec<harmony::ChordSpan>,
    /// Share (0–1) of the sung time in which the note belongs to its chord.
    pub consonance: f64,
    /// Words of genre and mood that mean nothing to a band.
    pub unread: Vec<String>,
}

/// Makes a band for a melody. The same melody, wish and seed give the same notes.
///
/// # Errors
///
/// [`ComposeError::NoMelody`] without notes; [`ComposeError::NobodyPlays`] where every part is left out.
pub fn accompany(sung: &Melody, wish: &BandWish<'_>) -> Result<Accompanied, ComposeError> {
    let (Some(first), Some(last)) = (sung.notes.first(), sung.notes.last()) else { return Err(ComposeError::NoMelody) };
    let (asked, unread) = asked(wish);
    let beats = SungBeats::of(sung, wish.beat);
    let choice = choose::style(&asked, beats.bpm(), sung.rhythm.meter);
    let spec = choice.spec()?;
    let timeline = Timeline::new(beats, (first.onset_seconds, last.end_seconds()), &choice, spec);
    let tune = timeline.tune(sung);
    // The band plays these beats, however unsure they were.
    let mut certain = tune.clone();
    certain.rhythm.tempo_confidence = 1.0;
    let harmony = harmony::chords(&certain, wish.seed);
    let consonance = harmony::consonance(&tune, &harmony);

    let options = Options { style: Some(choice.style), key: Some(sung.key), seed: wish.seed, ..Options::default() };
    let mut brief = brief(&asked, &options, &choice, &timeline)?;
    let sections = sections::plan(&timeline, &tune);
    let bars = chords::bars(&brief, &timeline, &sections, &tune, &harmony);
    let plan = Plan::under(&brief, timeline.clock.clone(), sections, bars);
    let mut lines: [Vec<LineNote>; Role::COUNT] = Default::default();
    let parts = band::play(&brief, &plan);
    lines[Role::Melody.index()] = lead::play(&brief, &plan, &timeline, &tune);
    lines[Role::Comping.index()] = parts.comping;
    lines[Role::Pad.index()] = parts.pad;
    lines[Role::Bass.index()] = parts.bass;
    lines[Role::Drums.index()] = parts.drums;
    ending::close(&brief, &plan, &parts.last, &mut lines);
    breath::take(&brief, &plan, &mut lines[Role::Melody.index()]);
    for role in Role::ALL {
        let line = &mut lines[role.index()];
        if !brief.players.plays[role.index()] {
            line.clear();
        }
        crate::perform::tidy(line, role == Role::Melody);
    }
    let sections = section_spans(&plan);
    let (score, part_roles) = write::score(&brief, &plan, &lines, &sections);
    brief.warnings.extend(era::silence(brief.era, &brief.players.of_era, &part_roles));
    let effective = effective(&brief, &plan, &sections, players(&brief, &score, &part_roles));
    let chords = chord_spans(&plan);
    let song =
        Composition { score, part_roles, seconds: plan.seconds, effective, sections, chords, melody: tune, lines };
    Ok(Accompanied { song, style_is_asked: choice.is_asked, harmony, consonance, unread })
}

/// What the words say about the band, and the words of genre and mood that say nothing. Tempo, key, form and length are the
/// singer's.
fn asked(wish: &BandWish<'_>) -> (Understanding, Vec<String>) {
    let of_genre = wish.genre.map(understand).unwrap_or_default();
    let mut unread = of_genre.not_understood.clone();
    let mut asked =
        if of_genre.style.is_some() || !of_genre.instruments.is_empty() { of_genre } else { understand(wish.sentence) };
    if let Some(mood) = wish.mood {
        let of_mood = understand(mood);
        let named = mood.parse().ok().or(of_mood.mood);
        if named.is_none() {
            unread.push(mood.to_owned());
        }
        asked.mood = named.or(asked.mood);
        asked.energy = asked.energy.or(of_mood.energy);
    }
    let asked = Understanding {
        tempo_bpm: None,
        tonic: None,
        mode: None,
        form: None,
        seconds: None,
        instrumental: None,
        conflicts: Vec::new(),
        ..asked
    };
    (asked, unread)
}

fn brief<'a>(
    asked: &'a Understanding,
    options: &'a Options,
    choice: &Choice,
    timeline: &Timeline,
) -> Result<Brief<'a>, ComposeError> {
    let mut brief = Brief::of(asked, options)?;
    brief.spec = choice.spec()?;
    brief.players.drums = choice.fitted(brief.players.drums.style)?;
    brief.bpm = timeline.bpm();
    brief.tempo_is_given = true;
    brief.warnings.extend(choice.warning.clone());
    // The tempo is the singer's, whatever the genre's would be.
    if let Some(genre) = asked.genre.filter(|genre| genre.style() == choice.style) {
        brief.genre = Some(genre);
        brief.warnings.push(genre.note());
    }
    Ok(brief)
}
