//! What of the tune a voice sings and what is left to an instrument. Solos and breaks are an instrument's, also in a song with
//! words.

use music::{Phrase, Score};

use crate::{
    brief::Brief,
    composition::{Player, SectionKind},
    gm,
    plan::Plan,
    role::{LineNote, Role},
};

/// The part that plays solos and breaks where a voice sings the rest of the tune, by name.
pub const SOLO_PART: &str = "solo";
/// Bars of rest over which a note alone still belongs to its neighbours.
const NEAR_BARS: u32 = 2;

/// Notes of one part of a score.
pub struct PartLine {
    pub role: Role,
    /// Whether it is [`SOLO_PART`].
    pub is_solo: bool,
    pub line: Vec<LineNote>,
}

/// The section in which a moment lies; `None` in the pickup and in the ending.
pub fn section_at(plan: &Plan, tick: u32) -> Option<usize> {
    let place = plan.bars.partition_point(|bar| bar.start <= tick).checked_sub(1)?;
    (tick < plan.end).then(|| plan.bars[place].section)
}

/// Whether what begins at a moment is left to an instrument.
pub fn is_played(plan: &Plan, tick: u32) -> bool {
    let kind = section_at(plan, tick).map(|section| plan.sections[section].kind);
    matches!(kind, Some(SectionKind::Solo | SectionKind::Break))
}

/// What a voice sings of the tune.
pub fn of_voice(plan: &Plan, tune: &[LineNote]) -> Vec<LineNote> {
    tune.iter().filter(|note| !is_played(plan, note.onset)).copied().collect()
}

/// The line of each role; of a song that is sung, the tune in two.
pub fn part_lines(brief: &Brief<'_>, plan: &Plan, lines: &[Vec<LineNote>; Role::COUNT]) -> Vec<PartLine> {
    let mut parts = Vec::new();
    for role in Role::ALL {
        let own = &lines[role.index()];
        if role == Role::Melody && !brief.instrumental {
            parts.push(PartLine { role, is_solo: false, line: of_voice(plan, own) });
            let solo = own.iter().filter(|note| is_played(plan, note.onset)).copied().collect();
            parts.push(PartLine { role, is_solo: true, line: solo });
        } else {
            parts.push(PartLine { role, is_solo: false, line: own.clone() });
        }
    }
    parts.retain(|part| !part.line.is_empty());
    parts
}

/// Who is heard in each part of a score. The voice is no player.
pub fn players(brief: &Brief<'_>, score: &Score, roles: &[Role]) -> Vec<Player> {
    let heard = score.parts.iter().zip(roles).filter(|(part, role)| {
        let is_voice = **role == Role::Melody && !brief.instrumental && part.name != SOLO_PART;
        !is_voice
    });
    let player = |(part, role): (&music::score::Part, &Role)| {
        let instrument = if part.drums { "drums" } else { gm::name(part.program) };
        Player { role: *role, instrument: instrument.to_owned(), program: part.program }
    };
    heard.map(player).collect()
}

/// Gives a note that is a phrase by itself to the phrase before it, else to the one behind it: nobody sings a line of one
/// syllable. Only over a short rest, and into another section only at the end of the song.
pub fn join_lone_notes(plan: &Plan, line: &[LineNote], phrases: &mut Vec<Phrase>) {
    let belongs = |earlier: usize, later: usize| {
        let rest = line[later].onset.saturating_sub(line[earlier].end());
        let at = |note: usize| section_at(plan, line[note].onset);
        rest < NEAR_BARS * plan.bar_ticks && (line[later].onset >= plan.end || at(earlier) == at(later))
    };
    let mut place = 0;
    while place < phrases.len() {
        let Phrase { start, end } = phrases[place];
        if end - start != 1 {
            place += 1;
        } else if place > 0 && belongs(start - 1, start) {
            phrases[place - 1].end = end;
            phrases.remove(place);
        } else if place + 1 < phrases.len() && belongs(start, end) {
            phrases[place + 1].start = start;
            phrases.remove(place);
        } else {
            place += 1;
        }
    }
}
