//! The role of melody: each letter's tune is realised once and comes back as it was; later returns are varied on purpose.

use crate::{
    dice::Dice,
    form::Section,
    material::Material,
    plan::{Contour, Kind, Pickup, Plan},
    realise::{
        chords::source_chord,
        line::{self, Ground, Sung},
        octaves_to,
        runs::{runs, source_line},
        vary,
    },
    role::{LineNote, Role},
    tonal,
};

/// Register of the tune.
pub const RANGE: (i32, i32) = (62, 81);
/// Middle of the register by letter: B lies higher, C lower.
const MIDDLES: [i32; 4] = [71, 73, 69, 72];
/// A pickup begins at most this long before its phrase, in quarters, after a gap of at least that.
const MOST_PICKUP: f64 = 1.6;
const PICKUP_GAP: f64 = 0.4;
/// From this creativity on, section C takes its contour from another song.
const EXCHANGE_FROM: f64 = 0.7;
/// Which letter that is.
const EXCHANGED: usize = 2;

/// Realises the melody of all sections but the end's hold.
pub fn realise(
    plan: &mut Plan,
    materials: &[Material; 3],
    creativity: f64,
    dice: &mut Dice,
) -> (Vec<LineNote>, Vec<Pickup>) {
    let mut pickups = Vec::new();
    let mut statements: [Option<(Section, Vec<LineNote>)>; 26] = std::array::from_fn(|_| None);
    let mut out: Vec<LineNote> = Vec::new();
    for section in plan.sections.clone() {
        let start = section.first_bar as f64 * plan.target.bar();
        let bars = section.first_bar..section.end_bar().min(plan.hold_bar());
        let before = out.last().map(|note| note.pitch);
        let stated = section.letter().and_then(|letter| statements[letter].clone());
        let mut line = match &stated {
            Some((first, notes)) => returned(plan, first, &section, notes),
            None => {
                let middle = MIDDLES[section.letter().unwrap_or(0) % MIDDLES.len()];
                let exchanged = creativity >= EXCHANGE_FROM && section.letter() == Some(EXCHANGED);
                let contour = if exchanged { borrow_contour(plan, materials, &section, dice) } else { Vec::new() };
                let mut line = statement(plan, materials, bars, middle, before, &contour);
                line.iter_mut().for_each(|note| note.onset -= start);
                line
            }
        };
        if let (Some(letter), None) = (section.letter(), &stated) {
            statements[letter] = Some((section.clone(), line.clone()));
        }
        if let Some((first, _)) = &stated {
            // As high as it was, whatever the search would do here.
            for bar in 0..section.bars {
                let octave =
                    plan.cell(Role::Melody, first.first_bar + bar % first.bars).map(|cell| (cell.octave, cell.contour));
                let cell = plan.cells[Role::Melody.index()].get_mut(section.first_bar + bar).and_then(Option::as_mut);
                if let (Some(cell), Some((octave, contour))) = (cell, octave) {
                    (cell.octave, cell.contour) = (octave, contour);
                }
            }
        }
        if section.occurrence >= 2 && creativity > 0.0 {
            let touched = vary::ornament(&mut line, plan, &section, creativity, dice);
            for bar in touched {
                if let Some(Some(cell)) = plan.cells[Role::Melody.index()].get_mut(section.first_bar + bar) {
                    cell.kind = Kind::Varied;
                }
            }
        }
        line.iter_mut().for_each(|note| note.onset += start);
        let first = join(&mut out, line, start);
        let cell = plan.cell(Role::Melody, section.first_bar);
        let origin = cell.and_then(|cell| Some((cell.song?, cell.at.checked_sub(1)?)));
        if let (Some(from), Some((song, at))) = (first.filter(|first| *first < start - 1e-6), origin) {
            pickups.push(Pickup { from, to: start, song, source_bar: materials[song].bars[at].source_bar });
        }
    }
    (out, pickups)
}

/// Appends a section's notes, and says where they begin. Its pickup is left out where the tune before still moves.
fn join(out: &mut Vec<LineNote>, line: Vec<LineNote>, start: f64) -> Option<f64> {
    let pickup = line.iter().map(|note| note.onset).fold(f64::MAX, f64::min);
    let is_free = out.last().is_none_or(|last| last.onset < pickup - 0.45);
    let keep: Vec<LineNote> = line.into_iter().filter(|note| note.onset >= start - 1e-6 || is_free).collect();
    let first = keep.first()?.onset;
    if let Some(last) = out.last_mut() {
        last.length = last.length.min((first - last.onset).max(0.05));
    }
    out.extend(keep);
    Some(first)
}

/// The notes of a letter's first section moved to another one. Where the chord is another, they are fitted to it.
fn returned(plan: &Plan, first: &Section, section: &Section, notes: &[LineNote]) -> Vec<LineNote> {
    let bar = plan.target.bar();
    let (from, to) = (first.first_bar as f64 * bar, section.first_bar as f64 * bar);
    let end = section.bars as f64 * bar;
    let mut line: Vec<LineNote> = notes.iter().copied().filter(|note| note.onset < end - 1e-6).collect();
    // A longer return begins again.
    if section.bars > first.bars {
        let again = notes.iter().filter(|note| note.onset >= 0.0);
        let again: Vec<LineNote> =
            again.map(|note| LineNote { onset: note.onset + first.bars as f64 * bar, ..*note }).collect();
        line.extend(again.into_iter().filter(|note| note.onset < end - 1e-6));
    }
    for note in line.iter_mut().filter(|note| note.onset >= 0.0) {
        let (was, is) = (plan.chord_at(from + note.onset), plan.chord_at(to + note.onset));
        let tones = tonal::tone_set(is, &plan.target.key);
        let is_strong = line::metric_weight(note.onset, bar) > 0.6 || note.length >= 0.9;
        if was != is && is_strong && !tones.has(note.class()) {
            let near = [-1, 1, -2, 2].into_iter().find(|step| tones.has((note.pitch + step).rem_euclid(12) as usize));
            note.pitch += near.unwrap_or(0);
        }
    }
    line
}

/// Realises bars for the first time, phrase by phrase.
fn statement(
    plan: &mut Plan,
    materials: &[Material; 3],
    bars: std::ops::Range<usize>,
    middle: i32,
    mut before: Option<i32>,
    contour: &[i32],
) -> Vec<LineNote> {
    let mut out: Vec<LineNote> = Vec::new();
    for run in runs(plan, Role::Melody, bars) {
        let mut line = source_line(plan, materials, Role::Melody, &run);
        add_pickup(plan, materials, &run, &mut line, &out);
        if line.is_empty() {
            continue;
        }
        follow(&mut line, contour);
        let octave = octave(&line, middle, before);
        line.iter_mut().for_each(|sung| sung.note.pitch += 12 * octave);
        for bar in run.clone() {
            if let Some(cell) = plan.cells[Role::Melody.index()][bar].as_mut() {
                cell.octave = octave;
            }
        }
        let chord_at = |at: f64| tonal::tones(plan.chord_at(at), &plan.target.key);
        let ground = Ground {
            key: &plan.target.key,
            beats: plan.target.bar(),
            range: RANGE,
            is_bass: false,
            stiffness: plan.stiffness,
            chord_at: &chord_at,
            above: &|_| None,
        };
        let mut fitted = line::fit(&line, &ground);
        line::trim(&mut fitted, plan.target.slot(), false, &chord_at);
        if let (Some(last), Some(first)) = (out.last_mut(), fitted.first()) {
            last.length = last.length.min((first.onset - last.onset).max(0.05));
        }
        before = fitted.last().map(|note| note.pitch).or(before);
        out.extend(fitted);
    }
    out
}

/// Notes at the end of the song's bar before the run that lead into it.
fn add_pickup(
    plan: &Plan,
    materials: &[Material; 3],
    run: &std::ops::Range<usize>,
    line: &mut Vec<Sung>,
    before: &[LineNote],
) {
    let Some(cell) = plan.cell(Role::Melody, run.start) else { return };
    let (Some(song), Some(at)) = (cell.song, cell.at.checked_sub(1)) else { return };
    if run.start == 0 {
        return;
    }
    let notes = materials[song].bars[at].line(Role::Melody);
    let beats = plan.target.bar();
    let mut first = None;
    for (index, note) in notes.iter().enumerate().rev() {
        if note.onset < beats - MOST_PICKUP {
            break;
        }
        let follows_gap = index.checked_sub(1).is_none_or(|before| note.onset - notes[before].end() > PICKUP_GAP);
        if follows_gap {
            first = Some(index);
            break;
        }
    }
    let Some(first) = first else { return };
    let start = (run.start as f64 - 1.0) * beats;
    if before.last().is_some_and(|last| last.onset > start + notes[first].onset - 0.45) {
        return;
    }
    let pickup = notes[first..].iter().map(|note| Sung {
        note: LineNote { onset: start + note.onset, pitch: note.pitch + cell.shift, ..*note },
        chord: source_chord(plan, materials, song, at, cell.shift, note.onset),
    });
    line.splice(0..0, pickup.collect::<Vec<_>>());
}

/// The octave that keeps a line in the register, near the note before it.
fn octave(line: &[Sung], middle: i32, before: Option<i32>) -> i32 {
    let mut pitches: Vec<i32> = line.iter().map(|sung| sung.note.pitch).collect();
    pitches.sort_unstable();
    let median = pitches[pitches.len() / 2];
    let near = octaves_to(median, middle);
    let cost = |octave: i32| {
        let lift = 12 * octave;
        let outside: i32 =
            pitches.iter().map(|pitch| (RANGE.0 - pitch - lift).max(0) + (pitch + lift - RANGE.1).max(0)).sum();
        let jump = before.map_or(0, |before| (line[0].note.pitch + lift - before).abs());
        3.0 * f64::from(outside) / pitches.len() as f64
            + 0.5 * f64::from((median + lift - middle).abs())
            + 0.25 * f64::from(jump)
    };
    [near - 1, near, near + 1].into_iter().min_by(|&a, &b| cost(a).total_cmp(&cost(b))).unwrap_or(near)
}

/// Pitches of a phrase of another song, for a section that takes only its rhythm from its own. Notes the cells.
fn borrow_contour(plan: &mut Plan, materials: &[Material; 3], section: &Section, dice: &mut Dice) -> Vec<i32> {
    let own = plan.cell(Role::Melody, section.first_bar).and_then(|cell| cell.song);
    let others = plan.letters.iter().filter_map(|letter| letter.melody).filter(|&song| Some(song) != own);
    let others: Vec<usize> = others.collect();
    let Some(&song) = others.get(dice.below(others.len())) else { return Vec::new() };
    let material = &materials[song];
    let count = material.bars.len().min(crate::blocks::MOST_SEARCHED);
    let starts: Vec<usize> = (0..count.saturating_sub(3))
        .filter(|&bar| material.bars[bar].begins_phrase && (bar..bar + 4).all(|bar| material.plays(Role::Melody, bar)))
        .collect();
    let Some(&start) = starts.get(dice.below(starts.len())) else { return Vec::new() };
    for bar in 0..section.bars {
        let source_bar = material.bars[start + bar % 4].source_bar;
        if let Some(Some(cell)) = plan.cells[Role::Melody.index()].get_mut(section.first_bar + bar) {
            cell.contour = Some(Contour { song, source_bar });
        }
    }
    let (shift, _) = material.shift_of(start..start + 4);
    material.bars[start..start + 4]
        .iter()
        .flat_map(|bar| bar.line(Role::Melody))
        .map(|note| note.pitch + shift)
        .collect()
}

/// Gives a line the rising and falling of another, about its own middle.
fn follow(line: &mut [Sung], contour: &[i32]) {
    if contour.len() < 4 || line.is_empty() {
        return;
    }
    let median = |mut pitches: Vec<i32>| {
        pitches.sort_unstable();
        pitches[pitches.len() / 2]
    };
    let ours = median(line.iter().map(|sung| sung.note.pitch).collect());
    let theirs = median(contour.to_vec());
    for (sung, pitch) in line.iter_mut().zip(contour.iter().cycle()) {
        sung.note.pitch = pitch - theirs + ours;
        sung.chord = None;
    }
}
