//! From what is asked to a song.

use music::Melody;

use crate::{
    band,
    brief::Brief,
    composition::{ChordSpan, Composition, Effective, Player, Section, SectionKind},
    ending,
    error::ComposeError,
    gm, melody,
    options::Options,
    plan::Plan,
    role::{LineNote, Role},
    understand::Understanding,
    write,
};

/// Composes a song. What stands in `options` wins over what the sentence asks; the same of both gives the same song, note for
/// note.
///
/// # Errors
///
/// If an option, or a length or tempo of the sentence, is out of its range, or every part is left out.
pub fn compose(asked: &Understanding, options: &Options) -> Result<Composition, ComposeError> {
    let mut brief = Brief::of(asked, options)?;
    let plan = Plan::of(&mut brief);
    let mut lines: [Vec<LineNote>; Role::COUNT] = Default::default();
    lines[Role::Melody.index()] = melody::compose(&brief, &plan);
    let band = band::play(&brief, &plan);
    lines[Role::Comping.index()] = band.comping;
    lines[Role::Pad.index()] = band.pad;
    lines[Role::Bass.index()] = band.bass;
    lines[Role::Drums.index()] = band.drums;
    ending::pickup(&brief, &plan, &mut lines);
    ending::close(&brief, &plan, &band.last, &mut lines);
    for role in Role::ALL {
        let line = &mut lines[role.index()];
        if !brief.players.plays[role.index()] {
            line.clear();
        }
        crate::perform::tidy(line, role == Role::Melody);
    }
    let sections = sections(&plan);
    let (score, part_roles) = write::score(&brief, &plan, &lines, &sections);
    let tune = &lines[Role::Melody.index()];
    let melody = if tune.is_empty() { Melody::default() } else { write::melody(&plan, &brief, tune) };
    let effective = effective(&brief, &plan, &sections, &part_roles);
    let chords = chords(&plan);
    Ok(Composition { score, part_roles, seconds: plan.seconds, effective, sections, chords, melody, lines })
}

pub fn effective(brief: &Brief<'_>, plan: &Plan, sections: &[Section], roles: &[Role]) -> Effective {
    let player = |role: &Role| {
        let program = brief.players.programs[role.index()];
        let instrument = if *role == Role::Drums { "drums" } else { gm::name(program) };
        Player { role: *role, instrument: instrument.to_owned(), program }
    };
    Effective {
        style: brief.spec.style,
        mood: brief.mood,
        tempo_bpm: plan.length.bpm,
        tempo_is_given: brief.tempo_is_given,
        key: plan.key,
        meter: brief.spec.meter,
        swing: if brief.spec.steps_per_beat == 3 { 2.0 } else { brief.spec.swing },
        form: sections.iter().map(|section| section.name.as_str()).collect::<Vec<_>>().join(" "),
        seed: brief.seed,
        energy: brief.energy,
        era: brief.era,
        seconds: plan.seconds,
        bars: plan.length.bars(brief.beats()),
        pickup_beats: plan.length.pickup_beats(brief.beats()),
        instruments: roles.iter().map(player).collect(),
        instrumental: brief.instrumental,
        has_chart: brief.chart.is_some(),
        warnings: brief.warnings.clone(),
    }
}

pub fn sections(plan: &Plan) -> Vec<Section> {
    let at = |ticks: u32| write::seconds(plan, f64::from(ticks));
    let mut sections = Vec::new();
    let mut push = |kind, name: String, first_bar, bars, start_seconds: f64, end_seconds: f64, transposed| {
        let seconds = end_seconds - start_seconds;
        sections.push(Section { kind, name, first_bar, bars, start_seconds, seconds, transposed });
    };
    if plan.pickup_ticks > 0 {
        push(SectionKind::Pickup, "pickup".to_owned(), 0, 0, 0.0, at(plan.pickup_ticks), 0);
    }
    let (mut bar, mut start) = (0, plan.pickup_ticks);
    for section in &plan.sections {
        let end = start + section.bars * plan.bar_ticks;
        let name = match section.kind {
            SectionKind::Intro => "intro".to_owned(),
            SectionKind::Solo => "solo".to_owned(),
            SectionKind::Break => "break".to_owned(),
            SectionKind::Tag => "tag".to_owned(),
            _ => section.letter.to_string(),
        };
        push(section.kind, name, bar, section.bars, at(start), at(end), section.transposed);
        (bar, start) = (bar + section.bars, end);
    }
    let transposed = plan.sections.last().map_or(0, |section| section.transposed);
    push(SectionKind::Ending, "ending".to_owned(), bar, 0, at(plan.end), plan.seconds, transposed);
    sections
}

pub fn chords(plan: &Plan) -> Vec<ChordSpan> {
    let at = |ticks: u32| write::seconds(plan, f64::from(ticks));
    let mut spans: Vec<ChordSpan> = Vec::new();
    if plan.pickup_ticks > 0 {
        let (chord, name) = (plan.pickup_chord, plan.pickup_chord.name_in(&plan.key));
        spans.push(ChordSpan { bar: None, start_seconds: 0.0, end_seconds: at(plan.pickup_ticks), chord, name });
    }
    for (number, bar) in plan.bars.iter().enumerate() {
        for (place, (start, chord)) in bar.chords.iter().enumerate() {
            let end = bar.chords.get(place + 1).map_or(plan.bar_ticks, |next| next.0);
            spans.push(ChordSpan {
                bar: Some(number as u32),
                start_seconds: at(bar.start + start),
                end_seconds: at(bar.start + end),
                chord: *chord,
                name: chord.name_in(&plan.key_of(bar.section)),
            });
        }
    }
    let key = plan.key_of(plan.sections.len().saturating_sub(1));
    spans.push(ChordSpan {
        bar: Some(plan.bars.len() as u32),
        start_seconds: at(plan.end),
        end_seconds: plan.seconds,
        chord: plan.last_chord,
        name: plan.last_chord.name_in(&key),
    });
    spans
}
