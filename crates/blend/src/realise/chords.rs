//! The role of chords: the rhythm, number of voices and register of the song, voiced anew over the chords of the blend.

use crate::{
    material::Material,
    plan::Plan,
    realise::{
        line::{self, Ground, Sung},
        octaves_to,
    },
    role::{LineNote, Role},
    tonal,
};

/// Register of the highest and of the lowest voice.
const TOP: (i32, i32) = (55, 66);
const BOTTOM: i32 = 46;
/// Middle of the highest voice.
const MIDDLE: i32 = 62;
/// Onsets closer than this are one chord, in quarters.
const TOGETHER: f64 = 0.06;

/// Realises the role. `ceilings` has, per bar, the pitch below which it has to stay.
pub fn realise(plan: &mut Plan, materials: &[Material; 3], ceilings: &[i32]) -> Vec<LineNote> {
    let mut out = Vec::new();
    let mut before: Vec<i32> = Vec::new();
    for (bar, &ceiling) in ceilings.iter().enumerate().take(plan.hold_bar()) {
        let Some(cell) = plan.cells[Role::Chords.index()][bar] else { continue };
        let Some(song) = cell.song else { continue };
        let source = &materials[song].bars[cell.at];
        let groups = grouped(source.line(Role::Chords));
        if groups.is_empty() {
            continue;
        }
        let ceiling = ceiling.min(TOP.1 + 1);
        let mut tops: Vec<i32> = groups.iter().map(|group| top(group) + cell.shift).collect();
        tops.sort_unstable();
        let octave = octaves_to(tops[tops.len() / 2], MIDDLE.min(ceiling - 3));
        if let Some(cell) = plan.cells[Role::Chords.index()][bar].as_mut() {
            cell.octave = octave;
        }
        let lift = cell.shift + 12 * octave;
        let start = bar as f64 * plan.target.bar();
        let thick = groups.iter().filter(|group| group.len() > 1).count();
        if thick * 4 < groups.len() {
            let line: Vec<Sung> = groups
                .iter()
                .map(|group| {
                    let note = group[0];
                    let chord = source_chord(plan, materials, song, cell.at, cell.shift, note.onset);
                    let onset = start + note.onset;
                    let target = plan.chord_at(onset);
                    // First with the root, then note by note.
                    let moved =
                        chord.as_ref().map_or(0, |chord| tonal::nearest_shift(chord[0], usize::from(target.root)));
                    let chord =
                        chord.map(|chord| chord.iter().map(|c| (*c as i32 + moved).rem_euclid(12) as usize).collect());
                    Sung { note: LineNote { onset, pitch: note.pitch + lift + moved, ..note }, chord }
                })
                .collect();
            let chord_at = |at: f64| tonal::tones(plan.chord_at(at), &plan.target.key);
            let ground = Ground {
                key: &plan.target.key,
                beats: plan.target.bar(),
                range: (BOTTOM + 2, (ceiling - 1).max(58)),
                is_bass: false,
                stiffness: plan.stiffness,
                chord_at: &chord_at,
                above: &|_| None,
            };
            let mut fitted = line::fit(&line, &ground);
            line::trim(&mut fitted, plan.target.slot(), false, &chord_at);
            before = fitted.last().map(|note| vec![note.pitch]).unwrap_or_default();
            out.extend(fitted);
            continue;
        }
        let mut same: Option<(Vec<i32>, Vec<usize>, Vec<i32>)> = None;
        for group in &groups {
            let onset = start + group[0].onset;
            let tones = tonal::tones(plan.chord_at(onset), &plan.target.key);
            let pitches: Vec<i32> = group.iter().map(|note| note.pitch).collect();
            let wanted = (top(group) + lift).clamp(TOP.0, (ceiling - 1).max(TOP.0 + 1));
            // The same chord of the song over the same chord of the blend is the same voicing.
            let voices = match &same {
                Some((was, over, voices)) if *was == pitches && *over == tones => voices.clone(),
                _ => voicing(&tones, group.len().clamp(1, 4), wanted, (ceiling - 1).max(TOP.0 + 1), &before),
            };
            let mut length = group.iter().map(|note| note.length).fold(0.0, f64::max);
            let slot = plan.target.slot();
            let mut change = ((onset + 1e-6) / slot).floor() * slot + slot;
            while change < onset + length - 0.2 {
                let next = tonal::tones(plan.chord_at(change + 0.01), &plan.target.key);
                if voices.iter().any(|voice| !next.contains(&(voice.rem_euclid(12) as usize))) {
                    length = change - onset;
                    break;
                }
                change += slot;
            }
            let velocity = group.iter().map(|note| u32::from(note.velocity)).sum::<u32>() / group.len() as u32;
            out.extend(voices.iter().map(|&pitch| LineNote { onset, length, pitch, velocity: velocity as u8 }));
            same = Some((pitches, tones, voices.clone()));
            before = voices;
        }
    }
    out
}

fn grouped(notes: &[LineNote]) -> Vec<Vec<LineNote>> {
    let mut groups: Vec<Vec<LineNote>> = Vec::new();
    for &note in notes {
        match groups.last_mut() {
            Some(group) if note.onset - group[0].onset < TOGETHER => group.push(note),
            _ => groups.push(vec![note]),
        }
    }
    groups
}

fn top(group: &[LineNote]) -> i32 {
    group.iter().map(|note| note.pitch).max().unwrap_or(60)
}

/// Tones of the chord under a place of a source bar, moved by its shift.
pub fn source_chord(
    plan: &Plan,
    materials: &[Material; 3],
    song: usize,
    at: usize,
    shift: i32,
    onset: f64,
) -> Option<Vec<usize>> {
    let chords = &materials[song].bars.get(at)?.chords;
    let slot = plan.target.slot_at(onset).min(chords.len().saturating_sub(1));
    let (chord, _) = chords.get(slot).copied().flatten()?;
    Some(tonal::tones(chord.transposed(shift), &plan.target.key))
}

/// `count` voices of a chord, the highest near `wanted` and not above `highest`, all moving as little as they can from
/// `before`.
pub fn voicing(tones: &[usize], count: usize, wanted: i32, highest: i32, before: &[i32]) -> Vec<i32> {
    let needed: Vec<usize> = match (count, tones.len()) {
        (0, _) | (_, 0) => return Vec::new(),
        (2, 3..) => vec![tones[1], tones[tones.len() - 1]],
        (3, 4..) => vec![tones[0], tones[1], tones[tones.len() - 1]],
        (1, _) => vec![tones[0]],
        _ => tones.to_vec(),
    };
    let mut best: Option<(f64, Vec<i32>)> = None;
    for top in (wanted - 6..=wanted + 5).filter(|top| *top <= highest) {
        let class = top.rem_euclid(12) as usize;
        if !tones.contains(&class) {
            continue;
        }
        let mut left: Vec<usize> = needed.iter().copied().filter(|&tone| tone != class).collect();
        left.extend(tones.iter().copied().filter(|tone| *tone != class && !needed.contains(tone)));
        left.truncate(count - 1);
        let mut voices = vec![top];
        let mut pitch = top - 1;
        while !left.is_empty() && pitch > top - 20 {
            if let Some(place) = left.iter().position(|&tone| tone == pitch.rem_euclid(12) as usize) {
                voices.push(pitch);
                left.remove(place);
            }
            pitch -= 1;
        }
        voices.reverse();
        let mut cost = 0.5 * f64::from((top - wanted).abs());
        for voice in &voices {
            let nearest = before.iter().map(|other| (other - voice).abs()).min();
            cost += nearest.map_or(0.0, |distance| 0.5 * f64::from(distance));
            cost += f64::from((BOTTOM - voice).max(0)) * 0.7;
        }
        if best.as_ref().is_none_or(|(least, _)| cost < *least) {
            best = Some((cost, voices));
        }
    }
    best.map_or_else(Vec::new, |(_, voices)| voices)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn voices_move_little_and_stay_below_the_tune() {
        let c = voicing(&[0, 4, 7], 3, 64, 66, &[]);
        assert_eq!(c, [55, 60, 64]);
        let f = voicing(&[5, 9, 0], 3, 64, 66, &c);
        assert_eq!(f, [57, 60, 65]);
        assert!(voicing(&[0, 4, 7], 4, 64, 61, &[]).iter().all(|&voice| voice <= 61));
        assert!(voicing(&[], 3, 64, 66, &[]).is_empty());
    }
}
