//! What must not be.

use std::collections::BTreeSet;

use super::{Arrangement, Figure, Gate, GateName, motif::Motifs};
use crate::role::{LineNote, Role};

pub fn clean(arrangement: &Arrangement<'_>, motifs: &Motifs) -> Gate {
    let melody = arrangement.line(Role::Melody);
    let mut figures = vec![
        Figure::most("notes struck while they sound", collisions(arrangement) as f64, 0.0),
        Figure::most("silent bars", silent_bars(arrangement) as f64, 0.0),
        Figure::most("unisons", unisons(arrangement), 0.03),
    ];
    if melody.len() > 4 {
        let leaps = melody.windows(2).filter(|pair| (pair[1].pitch - pair[0].pitch).abs() > 12).count();
        figures.push(Figure::most("melody below the chords", crossings(arrangement, melody), 0.25));
        figures.push(Figure::most("leaps beyond an octave", leaps as f64 / (melody.len() - 1) as f64, 0.03));
        figures.push(Figure::least("motifs that are in a song", motifs.share(melody), 0.33));
    }
    let mut seams = arrangement.seams.to_vec();
    seams.sort_unstable();
    if let Some(middle) = seams.get(seams.len() / 2) {
        figures.push(Figure::most("semitones at half of the seams", f64::from(*middle), 12.0));
    }
    Gate::of(GateName::Clean, figures)
}

/// Notes of one role that are struck again while they sound.
fn collisions(arrangement: &Arrangement<'_>) -> usize {
    let mut count = 0;
    for role in Role::ALL {
        let mut until = [f64::MIN; 128];
        for note in arrangement.line(role) {
            let until = &mut until[note.pitch.clamp(0, 127) as usize];
            count += usize::from(note.onset < *until - 0.02);
            *until = note.end();
        }
    }
    count
}

/// Bars in which less than a fifth of a quarter sounds. Held notes sound.
fn silent_bars(arrangement: &Arrangement<'_>) -> usize {
    let beats = arrangement.target.bar();
    let mut sounding = vec![0.0; arrangement.bars()];
    for note in arrangement.lines.iter().flatten() {
        let first = (note.onset.max(0.0) / beats) as usize;
        for (bar, sum) in sounding.iter_mut().enumerate().skip(first) {
            let overlap = note.end().min((bar + 1) as f64 * beats) - note.onset.max(bar as f64 * beats);
            if overlap <= 0.0 {
                break;
            }
            *sum += overlap;
        }
    }
    sounding.iter().filter(|quarters| **quarters <= 0.2).count()
}

/// Share of the pitched notes that another role strikes at the same time.
fn unisons(arrangement: &Arrangement<'_>) -> f64 {
    let mut seen = BTreeSet::new();
    let (mut twice, mut all) = (0.0, 0.0);
    for (_, note) in arrangement.pitched() {
        all += 1.0;
        if !seen.insert(((note.onset * 12.0).round() as i64, note.pitch)) {
            twice += 1.0;
        }
    }
    twice / f64::max(all, 1.0)
}

/// Share of the melody's notes over chords that have a note above them.
fn crossings(arrangement: &Arrangement<'_>, melody: &[LineNote]) -> f64 {
    let chords = arrangement.line(Role::Chords);
    let (mut over, mut all) = (0.0, 0.0);
    let longest = chords.iter().map(|note| note.length).fold(0.0, f64::max);
    for note in melody {
        let from = chords.partition_point(|chord| chord.onset < note.onset - longest);
        let under = chords[from..].iter().take_while(|chord| chord.onset <= note.onset + 0.02);
        let highest = under.filter(|chord| chord.end() > note.onset + 0.1).map(|chord| chord.pitch).max();
        if let Some(highest) = highest {
            all += 1.0;
            over += f64::from(u8::from(highest > note.pitch));
        }
    }
    over / f64::max(all, 1.0)
}
