//! Three analysed songs into one. Pure: no IO, no clock; the same songs, options and seed give the same notes.
//!
//! Each song becomes [`Material`] in the frame of the blend ([`Target`]: key, tempo, meter, swing). A [`Plan`] says for
//! every role and bar which bar of which song plays there, and is the provenance of what it is realised to. Several plans
//! are made, realised and measured ([`Report`]); the best one is returned, and names the gates that it fails, if any.

mod accompany;
mod blocks;
mod dice;
mod error;
mod form;
mod frame;
mod library;
mod material;
pub mod measure;
mod options;
mod picture;
mod plan;
mod provenance;
mod realise;
mod role;
mod search;
mod target;
mod tonal;
mod tune;
mod write;

use music::{Score, analysis::Analysis};

pub use error::BlendError;
pub use form::{Section, SectionKind};
pub use material::{Material, MaterialBar};
pub use measure::{Arrangement, Gate, GateName, Report};
pub use options::{LEAST_BARS, LEAST_BPM, Length, MOST_BARS, MOST_BPM, MOST_SECONDS, Options};
pub use plan::{Cell, Contour, Kind, LetterPlan, Pickup, Plan};
pub use provenance::{BarFacts, Origin, PickupFacts, Provenance, SectionFacts, SongFacts};
pub use role::{LineNote, Role};
pub use target::{CHOSEN_BPM, Target};
pub use write::seconds;

use dice::Dice;

/// How many times the plans that are asked for are made if none of them passes every gate.
const MORE_PLANS: u32 = 3;
/// How stiffly the lines of a plan are fitted in turn, as factors of its stiffness, until one passes every gate. Stiff lines
/// keep their motifs, soft ones agree with the chords; which of them a plan wants is only heard in the whole.
const STIFFNESSES: [f64; 3] = [1.0, 2.0, 0.6];

/// A song to blend.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// Shown in pictures and messages.
    pub title: &'a str,
    pub score: &'a Score,
    /// What [`music::analysis::analyse`] says of the score.
    pub analysis: &'a Analysis,
}

/// What was made of three songs.
#[derive(Clone, PartialEq, Debug)]
pub struct Blend {
    pub score: Score,
    /// The role of each part of the score.
    pub part_roles: Vec<Role>,
    /// Where every bar of every role is from.
    pub plan: Plan,
    pub report: Report,
    /// Its notes per role, in the order of [`Role::ALL`]; onsets in quarters from the start, in straight eighths.
    pub lines: [Vec<LineNote>; Role::COUNT],
    /// Parts of the melody that lie in the bar before their phrase.
    pub pickups: Vec<Pickup>,
    /// Titles of the songs, in the order of [`Cell::song`].
    pub titles: [String; 3],
    /// How many plans were made, and which of them this one is, from 0.
    pub plans_made: u32,
    pub plan_number: u32,
}

/// Blends three songs.
///
/// # Errors
///
/// If an option is out of its range, a song has no notes, or none of them has a pitched note.
pub fn blend(sources: &[Source<'_>; 3], options: &Options) -> Result<Blend, BlendError> {
    options.check()?;
    for (index, source) in sources.iter().enumerate() {
        if source.score.note_count() == 0 {
            return Err(BlendError::NoNotes { number: index + 1, title: source.title.chars().take(100).collect() });
        }
    }
    let (target, materials) = materials(sources, options);
    let pitched = [Role::Melody, Role::CounterMelody, Role::Chords, Role::Bass];
    if !materials.iter().any(|material| pitched.iter().any(|role| material.presence[role.index()] > 0.0)) {
        return Err(BlendError::OnlyDrums);
    }
    let bars = bars(options, &target)?;
    let sections = form::lay_out(bars, options.form.as_deref());
    let library = library::Library::new(&materials, &target, &sections, options);
    let judge = measure::Judge::new(&materials, &target, options);
    // Without temperature all plans are the same one.
    let mut best: Option<(f64, u32, Plan, realise::Realised, Report)> = None;
    let most = if options.temperature > 0.0 { options.plans * MORE_PLANS } else { 1 };
    let mut plans_made = 0;
    for number in 0..most {
        if number >= options.plans && best.as_ref().is_some_and(|(.., report)| report.passes()) {
            break;
        }
        plans_made += 1;
        let mut dice = Dice::new(options.seed, number);
        let planned = library.plan(&mut dice);
        for factor in STIFFNESSES {
            let mut plan = Plan { stiffness: planned.stiffness * factor, ..planned.clone() };
            let realised = realise::realise(&mut plan, &materials, options.creativity, &mut dice.clone());
            let report = judge.judge(&Arrangement::of(&plan, &realised));
            let passes = report.passes();
            let rank = report.failing().count() as f64 * 1_000.0 + plan.cost;
            if best.as_ref().is_none_or(|(least, ..)| rank < *least) {
                best = Some((rank, number, plan, realised, report));
            }
            if passes {
                break;
            }
        }
    }
    let Some((_, plan_number, plan, realised, mut report)) = best else {
        return Err(BlendError::Plans { plans: options.plans });
    };
    let title = sources.map(|source| source.title).join(" × ");
    let (score, part_roles) = write::score(&plan, &materials, &realised, &title);
    report.gates.push(measure::length(&score, options, &target));
    Ok(Blend {
        score,
        part_roles,
        plan,
        report,
        lines: realised.lines,
        pickups: realised.pickups,
        titles: sources.map(|source| source.title.to_owned()),
        plans_made,
        plan_number,
    })
}

/// The frame of a blend, and the songs in it.
pub fn materials(sources: &[Source<'_>; 3], options: &Options) -> (Target, [Material; 3]) {
    let target = Target::choose(sources, options);
    let materials = std::array::from_fn(|song| Material::new(&sources[song], song, &target));
    (target, materials)
}

/// Length in bars; none is longer than [`MOST_SECONDS`].
fn bars(options: &Options, target: &Target) -> Result<usize, BlendError> {
    let of = |bars: u32| write::seconds(bars as usize, target.bar(), target.bpm);
    let possible = || (LEAST_BARS..=MOST_BARS).take_while(|bars| of(*bars) <= MOST_SECONDS);
    let most = possible().last().unwrap_or(LEAST_BARS);
    match options.length {
        Length::Bars(bars) if bars > most => {
            let beats = target.beats;
            Err(BlendError::TooLong { bars, bpm: target.bpm, beats, least: LEAST_BARS, most })
        }
        Length::Bars(bars) => Ok(bars as usize),
        Length::Seconds(seconds) => {
            let (least, most) = (of(LEAST_BARS), of(MOST_BARS).min(MOST_SECONDS));
            if !(least - 1.0..=most + 1.0).contains(&seconds) {
                return Err(BlendError::Seconds { seconds, bpm: target.bpm, least, most });
            }
            let nearest = possible().min_by(|&a, &b| (of(a) - seconds).abs().total_cmp(&(of(b) - seconds).abs()));
            Ok(nearest.unwrap_or(LEAST_BARS) as usize)
        }
    }
}
