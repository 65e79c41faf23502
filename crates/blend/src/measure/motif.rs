//! Motifs of the melody that are also in a song.

use std::collections::BTreeSet;

use crate::{
    material::Material,
    role::{LineNote, Role},
};

/// Four intervals, by size class, and four times between onsets, in sixteenths.
type Motif = [(i8, u8); 4];

/// All motifs of some songs.
pub struct Motifs(BTreeSet<Motif>);

impl Motifs {
    pub fn of<'a>(materials: impl Iterator<Item = &'a Material>, beats: f64) -> Self {
        let of = |material: &Material| {
            let bars = material.bars.iter().enumerate();
            let line: Vec<LineNote> = bars
                .flat_map(|(index, bar)| {
                    let at = index as f64 * beats;
                    bar.line(Role::Melody).iter().map(move |note| LineNote { onset: at + note.onset, ..*note })
                })
                .collect();
            motifs(&line)
        };
        Self(materials.flat_map(of).collect())
    }

    /// Share of the motifs of a line that are among these; 1 for a line without any.
    pub fn share(&self, line: &[LineNote]) -> f64 {
        let motifs = motifs(line);
        if motifs.is_empty() {
            return 1.0;
        }
        motifs.iter().filter(|motif| self.0.contains(*motif)).count() as f64 / motifs.len() as f64
    }
}

/// Share of the motifs of a melody that are in a song; what songs share that have nothing to do with each other is the
/// measure of chance.
pub fn motif_share(melody: &[LineNote], material: &Material, beats: f64) -> f64 {
    Motifs::of(std::iter::once(material), beats).share(melody)
}

fn motifs(line: &[LineNote]) -> Vec<Motif> {
    let motif = |notes: &[LineNote]| {
        let step = |pair: &[LineNote]| {
            let interval = pair[1].pitch - pair[0].pitch;
            let size = match interval.abs() {
                0 => 0,
                1 | 2 => 1,
                3..=5 => 2,
                _ => 3,
            };
            (size * interval.signum() as i8, ((pair[1].onset - pair[0].onset) * 4.0).round().clamp(0.0, 255.0) as u8)
        };
        std::array::from_fn(|index| step(&notes[index..index + 2]))
    };
    // Over a rest of a bar nothing is a motif.
    line.windows(5).map(motif).filter(|motif: &Motif| motif.iter().all(|(_, time)| *time <= 16)).collect()
}
