//! A song as material for the blend: role by role and bar by bar, in the meter, note values and straight eighths of the
//! blend, but still at its own pitch.

use music::analysis::{Analysis, BarNote, ChordSymbol, Role as SongRole};

use crate::{
    Source,
    frame::{self, Fit, FrameBar, Piece},
    role::{LineNote, Role},
    target::{self, Target},
    tonal::{self, Classes},
};

/// Longer notes count as this long, in quarters, where a histogram is made.
const MOST_COUNTED: f64 = 2.0;
/// Bars on both sides that decide which key a bar is in.
const KEY_WINDOW: usize = 4;
/// Share of the sounding time by which a modulation must fit better than the song's own key before it is believed.
const HOME_BONUS: f64 = 0.05;
/// Bars in which one part has the chords.
const COMP_BLOCK: usize = 4;
/// Notes (or drum strokes) that a role needs in a bar to count as playing there.
const LEAST_NOTES: [usize; Role::COUNT] = [2, 1, 2, 1, 2];

/// One song.
#[derive(Clone, Debug)]
pub struct Material {
    pub title: String,
    pub bars: Vec<MaterialBar>,
    /// General MIDI program per role; of drums, that of the kit.
    pub programs: [u8; Role::COUNT],
    /// Share of the bars in which each role plays, 0–1.
    pub presence: [f64; Role::COUNT],
}

/// A bar of it.
#[derive(Clone, Debug)]
pub struct MaterialBar {
    /// Index of the first source bar that it is made of, and how many there are.
    pub source_bar: usize,
    pub source_bars: u8,
    pub notes: [Vec<LineNote>; Role::COUNT],
    /// Per slot: the chord that sounds longest, and how sure it is (0–1).
    pub chords: Vec<Option<(ChordSymbol, f64)>>,
    /// Per slot: weight of the melody by pitch class. Long notes and those on beats weigh more.
    pub weights: Vec<[f64; 12]>,
    /// Sixteenths on which each role begins notes; bit 0 is the bar line.
    pub onsets: [u16; Role::COUNT],
    /// Semitones that bring this bar into the key of the blend: those of the song, or of its own key where it modulates.
    pub shift: i32,
    /// Whether a phrase of the melody begins in it (or with a pickup to it), and whether one ends.
    pub begins_phrase: bool,
    pub ends_phrase: bool,
    /// Whether the song's grid of phrases has a boundary before it.
    pub on_grid: bool,
    /// Whether it is about as long as a bar of the blend. Pickups and halves that found no other half are not, and give
    /// nothing unless a song has nothing else.
    pub is_whole: bool,
    /// Sounding time by pitch class.
    classes: [f64; 12],
}

impl Material {
    pub fn new(source: &Source<'_>, song: usize, target: &Target) -> Self {
        let analysis = source.analysis;
        let frames = frame::frame(analysis, target.scales[song], target.bar());
        let mut filler = Filler::new(analysis, &frames, song, target);
        for (role, line) in [
            (Role::Melody, &analysis.melody),
            (Role::CounterMelody, &analysis.counter_melody),
            (Role::Bass, &analysis.bass),
        ] {
            line.notes.iter().for_each(|note| filler.put(role, note));
        }
        for (part, score_part) in analysis.parts.iter().zip(&source.score.parts) {
            if score_part.drums && part.doubles.is_none() {
                part.notes.iter().for_each(|note| filler.put(Role::Drums, note));
            }
        }
        let comp = comp_parts(analysis);
        for (bar, part) in comp.iter().enumerate() {
            let Some((part, among)) = *part else { continue };
            for note in analysis.parts[part].notes_in(bar).iter().filter(|note| accompanies(note, among)) {
                filler.put(Role::Chords, note);
            }
        }
        let bars = filler.finish(&frames, target, song);
        let presence =
            Role::ALL.map(|role| bars.iter().filter(|bar| bar.plays(role)).count() as f64 / bars.len().max(1) as f64);
        Self { title: source.title.to_owned(), bars, programs: programs(source, &comp), presence }
    }

    pub fn plays(&self, role: Role, bar: usize) -> bool {
        self.bars.get(bar).is_some_and(|bar| bar.plays(role))
    }

    /// Shift of most bars of a stretch, and the share of them that have it.
    pub fn shift_of(&self, bars: std::ops::Range<usize>) -> (i32, f64) {
        let bars = &self.bars[bars.start.min(self.bars.len())..bars.end.min(self.bars.len())];
        let mut counts = [0usize; 12];
        bars.iter().for_each(|bar| counts[(bar.shift + 6).rem_euclid(12) as usize] += 1);
        let best = (0..12).max_by_key(|&shift| (counts[shift], 12 - shift)).unwrap_or(6);
        (best as i32 - 6, counts[best] as f64 / bars.len().max(1) as f64)
    }
}

impl MaterialBar {
    pub fn plays(&self, role: Role) -> bool {
        self.is_whole && self.notes[role.index()].len() >= LEAST_NOTES[role.index()]
    }

    pub fn has_chord(&self) -> bool {
        self.chords.iter().any(Option::is_some)
    }

    pub fn line(&self, role: Role) -> &[LineNote] {
        &self.notes[role.index()]
    }
}

/// Puts notes into bars.
struct Filler<'a> {
    analysis: &'a Analysis,
    scale: f64,
    swing: Option<f64>,
    beats: f64,
    fits: Vec<Fit>,
    /// Per source bar: where its stretches lie.
    places: Vec<Vec<(usize, Piece)>>,
    bars: Vec<[Vec<LineNote>; Role::COUNT]>,
}

impl<'a> Filler<'a> {
    fn new(analysis: &'a Analysis, frames: &[FrameBar], song: usize, target: &Target) -> Self {
        let mut places = vec![Vec::new(); analysis.bars.len()];
        for (index, frame) in frames.iter().enumerate() {
            frame.pieces.iter().for_each(|piece| places[piece.source_bar].push((index, *piece)));
        }
        Self {
            analysis,
            scale: target.scales[song],
            swing: target::is_swung(analysis).then_some(analysis.swing.ratio),
            beats: target.bar(),
            fits: frames.iter().map(|frame| frame.fit).collect(),
            places,
            bars: vec![Default::default(); frames.len()],
        }
    }

    fn put(&mut self, role: Role, note: &BarNote) {
        let Some(bar) = self.analysis.bars.get(note.bar) else { return };
        let per_quarter = frame::beats_per_quarter(self.analysis, note.bar, self.scale);
        let onset = note.onset_quarters.max(0.0);
        let onset = match self.swing {
            Some(ratio) if !bar.is_compound() => target::straightened(onset, ratio),
            _ => onset,
        } * per_quarter;
        let places = &self.places[note.bar];
        let inside = |place: &&(usize, Piece)| onset < place.1.from + place.1.length - 1e-6;
        let Some(&(index, piece)) = places.iter().find(inside).or(places.last()) else { return };
        let joined = piece.at + onset - piece.from;
        let Some((at, factor)) = self.fits[index].place(role, joined) else { return };
        let length = (note.quarters * per_quarter * factor).clamp(1.0 / 24.0, 4.0 * self.beats);
        let at = at.clamp(0.0, self.beats - 1.0 / 24.0);
        let velocity = note.velocity.clamp(1, 127);
        self.bars[index][role.index()].push(LineNote { onset: at, length, pitch: i32::from(note.pitch), velocity });
    }

    fn finish(mut self, frames: &[FrameBar], target: &Target, song: usize) -> Vec<MaterialBar> {
        for (bar, fit) in self.bars.iter_mut().zip(&self.fits) {
            if *fit == Fit::ThreeInFour {
                lengthen_three(bar);
            }
            for line in bar.iter_mut() {
                line.sort_by(|a, b| a.onset.total_cmp(&b.onset).then(a.pitch.cmp(&b.pitch)));
                line.dedup_by(|b, a| a.pitch == b.pitch && b.onset - a.onset < 0.02);
            }
        }
        let mut bars: Vec<MaterialBar> = Vec::with_capacity(frames.len());
        for (frame, notes) in frames.iter().zip(std::mem::take(&mut self.bars)) {
            bars.push(self.bar(frame, notes, target));
        }
        if !bars.iter().any(|bar| bar.is_whole) {
            bars.iter_mut().for_each(|bar| bar.is_whole = true);
        }
        let home = target.shifts[song];
        set_shifts(&mut bars, tonal::collection(tonal::relative_major(&target.key)), home);
        bars
    }

    fn bar(&self, frame: &FrameBar, notes: [Vec<LineNote>; Role::COUNT], target: &Target) -> MaterialBar {
        let mut classes = [0.0; 12];
        for role in [Role::Melody, Role::CounterMelody, Role::Chords, Role::Bass] {
            notes[role.index()].iter().for_each(|note| classes[note.class()] += note.length.min(MOST_COUNTED));
        }
        let mut weights = vec![[0.0; 12]; target.slots()];
        for note in &notes[Role::Melody.index()] {
            let on_beat = (note.onset - note.onset.round()).abs() < 0.1;
            let slot = target.slot_at(note.onset).min(target.slots() - 1);
            weights[slot][note.class()] += note.length.min(MOST_COUNTED) * if on_beat { 1.5 } else { 0.7 };
        }
        let onsets = Role::ALL.map(|role| onset_bits(&notes[role.index()], self.beats));
        let source_bar = frame.pieces.first().map_or(0, |piece| piece.source_bar);
        let last = frame.pieces.last().map_or(source_bar, |piece| piece.source_bar);
        let (begins_phrase, ends_phrase) = self.phrase_edges(frame);
        let first_piece = frame.pieces.first();
        let on_grid = first_piece.is_some_and(|piece| {
            piece.from < 1e-6 && self.analysis.form.phrases.iter().any(|phrase| phrase.bars.start == source_bar)
        });
        MaterialBar {
            source_bar,
            source_bars: (last - source_bar + 1).min(255) as u8,
            notes,
            chords: self.chords(frame, target),
            weights,
            onsets,
            shift: 0,
            begins_phrase,
            ends_phrase,
            on_grid,
            is_whole: frame.fit != Fit::Same
                || frame.pieces.iter().map(|piece| piece.length).sum::<f64>() > self.beats - 0.6,
            classes,
        }
    }

    /// The chord that lasts longest in each slot of the bar.
    fn chords(&self, frame: &FrameBar, target: &Target) -> Vec<Option<(ChordSymbol, f64)>> {
        let total: f64 = frame.pieces.iter().map(|piece| piece.length).sum::<f64>().max(1e-6);
        let slots = target.slots();
        let mut heard: Vec<Vec<(ChordSymbol, f64, f64)>> = vec![Vec::new(); slots];
        for piece in &frame.pieces {
            let per_quarter = frame::beats_per_quarter(self.analysis, piece.source_bar, self.scale);
            for slot in self.analysis.chords_in(piece.source_bar) {
                let Some(chord) = slot.chord else { continue };
                let start = slot.offset_quarters * per_quarter;
                let start_here = (start - piece.from).max(0.0) + piece.at;
                let end_here = (start + slot.quarters * per_quarter - piece.from).min(piece.length) + piece.at;
                // The slots divide what the bar holds, whatever its length.
                let first = frame.pieces.first().map_or(0.0, |piece| piece.at);
                for (index, heard) in heard.iter_mut().enumerate() {
                    let from = first + total * index as f64 / slots as f64;
                    let to = first + total * (index + 1) as f64 / slots as f64;
                    let overlap = end_here.min(to) - start_here.max(from);
                    if overlap > 0.02 {
                        let overlap = overlap * (0.2 + slot.confidence.clamp(0.0, 1.0));
                        match heard.iter_mut().find(|(known, ..)| *known == chord) {
                            Some(entry) => {
                                entry.1 += overlap;
                                entry.2 = entry.2.max(slot.confidence);
                            }
                            None => heard.push((chord, overlap, slot.confidence)),
                        }
                    }
                }
            }
        }
        let longest = |heard: Vec<(ChordSymbol, f64, f64)>| {
            heard.into_iter().reduce(|a, b| if b.1 > a.1 + 1e-9 { b } else { a }).map(|(chord, _, sure)| (chord, sure))
        };
        heard.into_iter().map(longest).collect()
    }

    /// Whether phrases of the melody begin and end in the bar. Pickups of up to a beat and a half belong to the next.
    fn phrase_edges(&self, frame: &FrameBar) -> (bool, bool) {
        let melody = &self.analysis.melody;
        let (mut begins, mut ends) = (false, false);
        for phrase in &melody.phrases {
            let notes = melody.notes.get(phrase.start).zip(melody.notes.get(phrase.end.saturating_sub(1)));
            let Some((first, last)) = notes else { continue };
            for piece in &frame.pieces {
                let length = self.analysis.bars[piece.source_bar].quarters;
                let starts_here = first.bar == piece.source_bar && first.onset_quarters < length / 2.0;
                let picked_up = first.bar + 1 == piece.source_bar
                    && first.onset_quarters > self.analysis.bars[first.bar].quarters - 1.6;
                begins |= starts_here || picked_up;
                let is_pickup = last.bar != first.bar || last.onset_quarters < length - 1.6;
                ends |= last.bar == piece.source_bar && is_pickup;
            }
        }
        (begins, ends)
    }
}

/// The fourth beat of a bar of three in a bar of four.
fn lengthen_three(bar: &mut [Vec<LineNote>; Role::COUNT]) {
    for role in [Role::Chords, Role::Bass, Role::Drums] {
        let line = &mut bar[role.index()];
        line.iter_mut().filter(|note| note.end() > 2.9).for_each(|note| note.length += 1.0);
        let second = line.iter().filter(|note| (1.0 - 0.01..2.0 - 0.01).contains(&note.onset));
        let copies: Vec<LineNote> =
            second.map(|note| LineNote { onset: note.onset + 2.0, length: note.length.min(1.0), ..*note }).collect();
        for note in line.iter_mut().filter(|note| note.onset < 2.99) {
            // What was held over the end of the bar of three would sound into its copy.
            if copies.iter().any(|copy| copy.pitch == note.pitch) {
                note.length = note.length.min(3.0 - note.onset);
            }
        }
        line.extend(copies);
    }
    for role in [Role::Melody, Role::CounterMelody] {
        let last = bar[role.index()].iter_mut().max_by(|a, b| a.onset.total_cmp(&b.onset));
        if let Some(note) = last.filter(|note| note.end() > 2.7) {
            note.length += 1.0;
        }
    }
}

/// Sixteenths on which notes begin.
pub fn onset_bits(notes: &[LineNote], beats: f64) -> u16 {
    let last = (beats * 4.0) as i32 - 1;
    notes.iter().fold(0, |bits, note| bits | 1 << ((note.onset * 4.0).round() as i32).clamp(0, last))
}

/// Gives each bar the shift that brings it, with its neighbours, into the collection. The song's own key has an advantage,
/// because a few foreign notes are no modulation.
fn set_shifts(bars: &mut [MaterialBar], collection: Classes, home: i32) {
    let mut sums = vec![[0.0f64; 12]];
    for bar in bars.iter() {
        let mut next = *sums.last().unwrap_or(&[0.0; 12]);
        next.iter_mut().zip(bar.classes).for_each(|(sum, weight)| *sum += weight);
        sums.push(next);
    }
    let count = bars.len();
    for (index, bar) in bars.iter_mut().enumerate() {
        let (from, to) = (index.saturating_sub(KEY_WINDOW), (index + KEY_WINDOW + 1).min(count));
        let window: Vec<f64> = (0..12).map(|class| sums[to][class] - sums[from][class]).collect();
        let total: f64 = window.iter().sum();
        let fit = |shift: i32| -> f64 {
            if total <= 0.0 {
                return if shift == home { 1.0 } else { 0.0 };
            }
            let inside = (0..12i32).filter(|class| collection.has((class + shift).rem_euclid(12) as usize));
            let share = inside.map(|class| window[class as usize]).sum::<f64>() / total;
            share + if shift == home { HOME_BONUS } else { -0.002 * f64::from((shift - home).abs()) }
        };
        bar.shift = (-6..6).max_by(|&a, &b| fit(a).total_cmp(&fit(b))).unwrap_or(home);
    }
}

/// What is looked at for accompaniment: chords and pads, or where a song has none, its second lines.
const ACCOMPANIMENTS: [&[SongRole]; 2] = [&[SongRole::Chords, SongRole::Pad], &[SongRole::CounterMelody]];

fn accompanies(note: &BarNote, among: usize) -> bool {
    ACCOMPANIMENTS[among].contains(&note.role)
}

/// Which part has the chords, and as what, bar by bar: in blocks, the part that says most about rhythm and harmony.
fn comp_parts(analysis: &Analysis) -> Vec<Option<(usize, usize)>> {
    let count = analysis.bars.len();
    let mut chosen = vec![None; count];
    let offset = analysis.form.phrase_offset.min(count);
    let mut start = 0;
    while start < count {
        let end = if start < offset { offset } else { (start + COMP_BLOCK).min(count) };
        let best = |among: usize| {
            (0..analysis.parts.len())
                .filter(|&part| {
                    analysis.parts[part].doubles.is_none() && analysis.parts[part].role != SongRole::Effects
                })
                .map(|part| (comp_score(analysis, part, among, start..end), part))
                .filter(|(score, _)| *score > 0.0)
                .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(&a.1)))
                .map(|(_, part)| (part, among))
        };
        chosen[start..end].fill(best(0).or_else(|| best(1)));
        start = end;
    }
    chosen
}

/// Onsets, notes at once and bars covered, over a block of bars.
fn comp_score(analysis: &Analysis, part: usize, among: usize, bars: std::ops::Range<usize>) -> f64 {
    let (mut notes, mut onsets, mut covered, mut quarters) = (0usize, 0usize, 0usize, 0.0);
    for bar in bars.clone() {
        let mut last = f64::NEG_INFINITY;
        let before = notes;
        for note in analysis.parts[part].notes_in(bar).iter().filter(|note| accompanies(note, among)) {
            notes += 1;
            if note.onset_quarters - last > 0.06 {
                onsets += 1;
                last = note.onset_quarters;
            }
        }
        covered += usize::from(notes > before);
        quarters += analysis.bars[bar].quarters;
    }
    if notes < 2 {
        return 0.0;
    }
    let rate = onsets as f64 / f64::max(quarters, 1.0);
    let thickness = notes as f64 / onsets.max(1) as f64;
    rate.min(2.5) * 0.4 + thickness.min(3.0) * 0.4 + covered as f64 / bars.len().max(1) as f64
}

/// General MIDI programs: of the part that has each role longest.
fn programs(source: &Source<'_>, comp: &[Option<(usize, usize)>]) -> [u8; Role::COUNT] {
    let program = |parts: &[Option<usize>], otherwise: u8| {
        let mut counts = vec![0usize; source.score.parts.len()];
        for &part in parts.iter().flatten() {
            if let Some(count) = counts.get_mut(part) {
                *count += 1;
            }
        }
        let best =
            (0..counts.len()).filter(|&part| counts[part] > 0).max_by_key(|&part| (counts[part], usize::MAX - part));
        best.map_or(otherwise, |part| source.score.parts[part].program.min(127))
    };
    let comp: Vec<Option<usize>> = comp.iter().map(|comp| comp.map(|(part, _)| part)).collect();
    let kit = source.score.parts.iter().find(|part| part.drums).map_or(0, |part| part.program.min(127));
    [
        program(&source.analysis.melody.parts, 73),
        program(&source.analysis.counter_melody.parts, 48),
        program(&comp, 0),
        program(&source.analysis.bass.parts, 33),
        kit,
    ]
}
