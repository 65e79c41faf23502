//! A band under the voice: made for the melody, played, and measured with it.

use std::ops::ControlFlow;

use arrangement::{Rendering, SoundSummary, VOICE, band_stems, render_exactly, with_voice};
use compose::{Accompanied, BandWish, Player, Role, Style};
use domain::{
    Failure,
    kinds::melody_vocals::{Label, MelodyToVocalsRequest},
    options::{Backing, Beat},
};
use media::Master;
use music::{
    Melody, MidiPitch, Score,
    harmony::{ChordSpan, DRUM_CHANNEL, Part, PartNote},
};
use providers::{AccompanimentPlayer, compose_failure, font_failure};
use serde::{Deserialize, Serialize};
use soundfont::Song;

use crate::together::{Meeting, Together, together};

/// A melody as it is sung with a band, and the band.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Arranged {
    /// In the time of the song: its intro comes first.
    pub melody: Melody,
    pub band: Band,
}

/// A band in notes.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Band {
    pub score: Score,
    /// The role of each part of the score; the melody's is that of the instrument that plays intro and fills.
    pub part_roles: Vec<Role>,
    /// Exact length of the song, the sound of the last chord included.
    pub seconds: f64,
    /// Under the melody, in seconds of the song.
    pub chords: Vec<ChordSpan>,
    pub style: Style,
    pub summary: BandSummary,
}

/// What the band plays, for people and programs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BandSummary {
    /// Whether the style was asked for and not chosen by mood, tempo and meter.
    pub style_is_asked: bool,
    /// Whose beat it is.
    pub beat: Beat,
    /// As the band counts: it may count half or twice as fast as the singer. The middle one where it follows the singer.
    pub tempo_bpm: f64,
    pub meter: String,
    /// Names of the sections in order.
    pub form: String,
    pub intro_seconds: f64,
    pub seconds: f64,
    pub instruments: Vec<Player>,
    /// How far voice and band are apart on the beats that they share, measured on the sound; absent before it is played, and
    /// where they share too few.
    pub together: Option<Together>,
    pub sound: Option<SoundSummary>,
    pub warnings: Vec<String>,
}

/// What was heard less surely than this is told.
const SURE_TEMPO: f64 = 0.5;
const SURE_METER: f64 = 0.2;
const SURE_KEY: f64 = 0.3;

/// What the band took for granted though it was not sure.
fn unsure(melody: &Melody, request: &MelodyToVocalsRequest) -> Vec<String> {
    let rhythm = &melody.rhythm;
    let mut warnings = Vec::new();
    if rhythm.beats_seconds.len() < 4 {
        let bpm = melody.tempo_bpm;
        warnings
            .push(format!("no beat was found in the recording: the band plays {bpm:.0} bpm from the first note on"));
    } else if rhythm.tempo_confidence < SURE_TEMPO && request.options.tempo_bpm.is_none() {
        let heard = rhythm.tempo_confidence;
        warnings.push(format!(
            "the beat of the recording is not sure ({heard:.2} of 1): tell its tempo if the band sounds astray"
        ));
    }
    if rhythm.meter_confidence < SURE_METER {
        warnings.push(format!("the meter of the recording is not sure: the band plays {}", rhythm.meter));
    }
    if melody.key.confidence < SURE_KEY {
        warnings.push(format!("the key of the recording is not sure: the band plays in {}", melody.key));
    }
    warnings
}

/// Makes a band for a melody, where one was asked for.
///
/// # Errors
/// `Caller` for a melody that no band can play to.
pub fn arrange(melody: &Melody, request: &MelodyToVocalsRequest) -> Result<Option<Arranged>, Failure> {
    if request.options.backing != Backing::Band {
        return Ok(None);
    }
    let label = |label: &Option<Label>| label.as_ref().map(|label| label.as_str().to_owned());
    let (genre, mood) = (label(&request.genre), label(&request.mood));
    let wish = BandWish {
        genre: genre.as_deref(),
        mood: mood.as_deref(),
        sentence: request.prompt.as_str(),
        beat: request.options.beat,
        seed: request.seed,
    };
    let Accompanied { song, style_is_asked, harmony, unread, consonance: _ } =
        compose::accompany(melody, &wish).map_err(|error| compose_failure(&error))?;
    let mut warnings = song.effective.warnings.clone();
    warnings.extend(unsure(melody, request));
    if !unread.is_empty() {
        warnings.push(format!("not understood, and not heeded by the band: {}", unread.join(", ")));
    }
    let (beats, unit) = song.effective.meter.signature();
    let summary = BandSummary {
        style_is_asked,
        beat: request.options.beat,
        tempo_bpm: song.effective.tempo_bpm,
        meter: format!("{beats}/{unit}"),
        form: song.effective.form.clone(),
        intro_seconds: song.sections.first().map_or(0.0, |intro| intro.seconds),
        seconds: song.seconds,
        instruments: song.effective.instruments.clone(),
        together: None,
        sound: None,
        warnings,
    };
    let band = Band {
        style: song.effective.style,
        score: song.score,
        part_roles: song.part_roles,
        seconds: song.seconds,
        chords: harmony,
        summary,
    };
    Ok(Some(Arranged { melody: song.melody, band }))
}

impl Band {
    /// Its parts in seconds of the song.
    pub fn parts(&self) -> Vec<Part> {
        // The first channel is the voice's.
        const LEAD_CHANNEL: u8 = 4;
        let part = |part: &music::score::Part| {
            let ends = self.score.seconds_of(part.notes.iter().map(|note| note.end()));
            let notes = self.score.seconds_of(part.notes.iter().map(|note| note.onset)).zip(ends).zip(&part.notes);
            Part {
                name: part.name.clone(),
                channel: if part.drums {
                    DRUM_CHANNEL
                } else if part.channel == 0 {
                    LEAD_CHANNEL
                } else {
                    part.channel
                },
                program: part.program,
                notes: notes
                    .map(|((onset, end), note)| PartNote {
                        onset_seconds: onset,
                        duration_seconds: end - onset,
                        pitch: MidiPitch::new(note.pitch),
                        velocity: note.velocity,
                    })
                    .collect(),
            }
        };
        self.score.parts.iter().map(part).collect()
    }

    /// The notes of the melody that begin on a beat on which somebody in the band begins as well. Pads swell and begin nowhere.
    pub fn notes_on_beats(&self, melody: &Melody) -> Vec<usize> {
        const NEAR_SECONDS: f64 = 0.012;
        // Players are loose by so much.
        const STROKE_SECONDS: f64 = 0.025;
        let per_beat = u64::from(self.score.ticks_per_quarter);
        let ticks = (0..self.score.end).step_by(usize::try_from(per_beat).unwrap_or(1).max(1));
        let beats: Vec<f64> = self.score.seconds_of(ticks).collect();
        let parts = self.score.parts.iter().zip(&self.part_roles).filter(|(_, role)| **role != Role::Pad);
        let mut strokes: Vec<f64> = Vec::new();
        for (part, _) in parts {
            strokes.extend(self.score.seconds_of(part.notes.iter().map(|note| note.onset)));
        }
        strokes.sort_by(f64::total_cmp);
        let is_struck = |beat: &f64| {
            let next = strokes.partition_point(|stroke| *stroke < beat - STROKE_SECONDS);
            strokes.get(next).is_some_and(|stroke| *stroke <= beat + STROKE_SECONDS)
        };
        let beats: Vec<f64> = beats.into_iter().filter(is_struck).collect();
        let is_on_beat = |index: &usize| {
            let onset = melody.notes[*index].onset_seconds;
            let next = beats.partition_point(|beat| *beat < onset - NEAR_SECONDS);
            beats.get(next).is_some_and(|beat| *beat <= onset + NEAR_SECONDS)
        };
        (0..melody.notes.len()).filter(is_on_beat).collect()
    }
}

/// A song as it sounds, with the voice over its band, or over what plays in the band's place.
pub struct BandSound {
    pub master: Master,
    /// Names of the stems that it keeps, in order: the voice, then the band's.
    pub stems: Vec<String>,
    pub together: Option<Together>,
    pub summary: SoundSummary,
    /// What the player changed.
    pub warnings: Vec<String>,
}

/// How a band is played.
pub struct BandPlaying<'a> {
    pub player: &'a AccompanimentPlayer,
    pub keep_stems: bool,
    pub threads: usize,
    /// Hears the share that is done, 0–1, and may stop the work.
    pub progress: &'a mut dyn FnMut(f64) -> ControlFlow<()>,
}

/// Plays a band and lays the voice over it, exactly as long as the song is. Blocking.
///
/// # Errors
/// `Config` when the sound font cannot be used; `Transient` when there is no room for temporary files or the work was stopped.
pub fn play(
    Arranged { melody, band }: &Arranged,
    voice: &[f32],
    playing: BandPlaying<'_>,
) -> Result<BandSound, Failure> {
    let BandPlaying { player, keep_stems, threads, progress } = playing;
    let instruments = player.instruments().map_err(|error| font_failure(&error))?;
    let stems = band_stems(&band.score, &band.part_roles);
    let how = Rendering { keep_stems, threads };
    let played = render_exactly(instruments, &band.score, &stems, how, band.seconds, progress)?;
    let sung: Vec<f64> = melody.notes.iter().map(|note| note.onset_seconds).collect();
    let meeting = Meeting { sung: &sung, shared: &band.notes_on_beats(melody) };
    let together = together(&played.master, voice, &meeting)?;
    let warnings = played.report.warnings.clone();
    let Song { master, report } = with_voice(&played, voice)?;
    let mut summary = SoundSummary::of(&report, &stems);
    summary.stems.insert(0, VOICE.to_owned());
    let stems = if keep_stems { summary.stems.clone() } else { Vec::new() };
    Ok(BandSound { master, stems, together, summary, warnings })
}
