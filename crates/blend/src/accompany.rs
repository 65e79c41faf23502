//! Completes a plan: who plays bass, drums, chords and a counter-melody, chosen so that grooves fit and every song gets
//! its share; then the cells, bar by bar.

use crate::{
    blocks::{self, Block},
    dice::Dice,
    form::{Section, SectionKind},
    library::{Choice, Letter, Library},
    plan::{Cell, Kind, LetterPlan, Plan},
    role::Role,
    tonal,
    tune::{self, Ground, Tune},
};

/// Likeness of the bars of a section below which its groove is restless.
const RESTLESS: f64 = 0.86;
/// Below this creativity there is no counter-melody.
const COUNTER_FROM: f64 = 0.3;
/// Least share of a song's bars with a counter-melody for it to be used as one.
const LEAST_COUNTER: f64 = 0.1;

/// Who accompanies: songs by letter.
#[derive(Clone, Debug, Default)]
struct Band {
    bass: Vec<Option<usize>>,
    drums: Vec<Option<usize>>,
    /// The first time a letter comes, when it returns, and when it comes varied.
    chords: [Vec<Option<usize>>; 3],
}

/// Blocks by letter, role and song.
struct Stock {
    blocks: Vec<[[Option<Block>; 3]; Role::COUNT]>,
}

impl Stock {
    fn block(&self, letter: usize, role: Role, song: usize) -> Option<Block> {
        self.blocks[letter][role.index()][song]
    }
}

/// Everything but how sections lead on and how the piece ends; see [`close`].
pub fn complete(library: &Library<'_>, choices: &[Choice], cost: f64, dice: &mut Dice) -> Plan {
    let stock = stock(library, choices, dice);
    let (band, band_cost) = best_band(library, choices, &stock, dice);
    let mut plan = Plan {
        target: library.target.clone(),
        sections: library.sections.to_vec(),
        harmony: Vec::new(),
        chords: Vec::new(),
        cells: Default::default(),
        letters: letters(library, choices),
        stiffness: library.stiffness(dice),
        cost: cost + band_cost,
    };
    for section in library.sections {
        fill(&mut plan, library, choices, &stock, &band, section);
    }
    if library.creativity >= COUNTER_FROM {
        counter_melody(&mut plan, library, choices, dice);
    }
    plan
}

/// Chords that lead from section to section, and the cadence.
pub fn close(plan: &mut Plan) {
    bridges(plan);
    cadence(plan);
}

fn letters(library: &Library<'_>, choices: &[Choice]) -> Vec<LetterPlan> {
    let one = |(letter, choice): (&Letter, &Choice)| LetterPlan {
        letter: char::from(b'A' + letter.index),
        melody: choice.melody.as_ref().map(|(song, _)| *song),
        harmony: choice.harmony.map(|(song, _)| song),
        phrases: choice.melody.as_ref().map_or_else(Vec::new, |(song, tune)| {
            tune.phrases.iter().map(|phrase| library.materials[*song].bars[phrase.start].source_bar).collect()
        }),
    };
    library.letters.iter().zip(choices).map(one).collect()
}

/// The block of each song that fits each letter best, role by role.
fn stock(library: &Library<'_>, choices: &[Choice], dice: &mut Dice) -> Stock {
    let mut blocks = Vec::new();
    for (letter, choice) in library.letters.iter().zip(choices) {
        let mut of_letter = [[None; 3]; Role::COUNT];
        // Drums first: the bass is chosen to fit those of its song.
        for role in [Role::Drums, Role::Bass, Role::Chords] {
            for (song, block) in of_letter[role.index()].iter_mut().enumerate() {
                if library.shelves[song].gives[role.index()] {
                    *block = stretch(library, choice, role, song, letter.bars, dice);
                }
            }
        }
        if let Some((song, block)) = choice.harmony {
            let material = &library.materials[song];
            let playing =
                (block.start..block.start + block.period).filter(|&bar| material.plays(Role::Chords, bar)).count();
            if playing * 4 >= block.period * 3 {
                of_letter[Role::Chords.index()][song] = Some(block);
            }
        }
        blocks.push(of_letter);
    }
    Stock { blocks }
}

/// Bars of a role that go with the letter: dense as the song usually is, of one groove, with the same motion of roots.
fn stretch(
    library: &Library<'_>,
    choice: &Choice,
    role: Role,
    song: usize,
    bars: usize,
    dice: &mut Dice,
) -> Option<Block> {
    let material = &library.materials[song];
    let found = blocks::blocks(material, bars, |bar| material.plays(role, bar));
    let density = |block: &Block| {
        let bars = &material.bars[block.start..block.start + block.period];
        bars.iter().map(|bar| bar.line(role).len()).sum::<usize>() as f64 / block.period as f64
    };
    let mut densities: Vec<f64> = found.iter().map(density).collect();
    densities.sort_by(f64::total_cmp);
    let usual = densities.get(densities.len() / 2).copied().unwrap_or(1.0);
    let beats = library.target.bar();
    let cost = |block: &Block, chance: f64| {
        let here = &material.bars[block.start..block.start + block.period];
        let onsets: Vec<u16> = here.iter().map(|bar| bar.onsets[role.index()]).collect();
        let mut cost = block.cost + ((density(block) + 0.5) / (usual + 0.5)).ln().abs();
        cost += 1.5 * (1.0 - blocks::groove_unity(&onsets, beats));
        if role != Role::Drums {
            let chords = blocks::block_chords(material, block, bars, library.target);
            let same = chords.iter().zip(&choice.chords).filter(|(a, b)| a.root == b.root).count();
            cost += 0.5 * (1.0 - same as f64 / chords.len().max(1) as f64);
        }
        cost + chance
    };
    let costs: Vec<f64> = found.iter().map(|block| cost(block, library.noise(dice))).collect();
    (0..found.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b])).map(|best| found[best])
}

/// How a section sounds with each combination of songs: likeness of its bars, and of its bass and drums.
struct Fit {
    unity: f64,
    locked: f64,
}

/// Compares all bands.
fn best_band(library: &Library<'_>, choices: &[Choice], stock: &Stock, dice: &mut Dice) -> (Band, f64) {
    let count = library.letters.len();
    let able = |role: Role| -> Vec<Option<usize>> {
        let songs: Vec<Option<usize>> =
            (0..3).filter(|&song| library.shelves[song].gives[role.index()]).map(Some).collect();
        if songs.is_empty() { vec![None] } else { songs }
    };
    let (basses, drummers, compers) = (able(Role::Bass), able(Role::Drums), able(Role::Chords));
    let own = |letter: usize| {
        let song = choices[letter].harmony.map(|(song, _)| song).filter(|song| compers.contains(&Some(*song)));
        song.or(compers[0])
    };
    let fits = Fits::new(library, choices, stock);
    let mut best: Option<(f64, Band)> = None;
    let basses_of = combinations(&basses, count);
    let drums_of = combinations(&drummers, count);
    let singing: Vec<&Section> = library.sections.iter().filter(|section| section.letter().is_some()).collect();
    let place_of = |section: &Section| {
        let letter = section.letter().unwrap_or(0);
        library.letters.iter().position(|known| usize::from(known.index) == letter).unwrap_or(0)
    };
    let places: Vec<usize> = singing.iter().map(|section| place_of(section)).collect();
    for bass in &basses_of {
        for drums in &drums_of {
            for &returned in &compers {
                for &varied in &compers {
                    let mut cells = [0.0f64; 3];
                    let mut cost = library.noise(dice) * 0.3;
                    let mut bars = 0.0;
                    for (section, &place) in singing.iter().zip(&places) {
                        let length = section.bars as f64;
                        let chords = [own(place), returned, varied][section.occurrence.min(2)];
                        let melody = choices[place].melody.as_ref().map(|(song, _)| *song);
                        let songs = [melody, chords, bass[place], drums[place]];
                        songs.iter().flatten().for_each(|&song| cells[song] += length);
                        let fit = fits.of(place, chords, bass[place], drums[place]);
                        let distinct = (0..3).filter(|&song| songs.contains(&Some(song))).count();
                        let alone = if distinct < 2 {
                            1.0
                        } else if distinct < 3 {
                            0.6
                        } else {
                            0.0
                        };
                        let restless = 8.0 * (RESTLESS - fit.unity).max(0.0) + 0.3 * (1.0 - fit.locked);
                        let apart = if bass[place] == drums[place] { 0.0 } else { 0.08 };
                        cost += length * (alone + restless + apart) / 8.0;
                        bars += length;
                    }
                    cost *= 8.0 / f64::max(bars, 1.0);
                    let sum: f64 = cells.iter().sum::<f64>().max(1.0);
                    for (share, wanted) in cells.iter().map(|own| own / sum).zip(library.shares) {
                        cost += 4.0 * (share - wanted).abs() + 6.0 * (0.75 * wanted - share).max(0.0);
                    }
                    if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                        let first = (0..count).map(own).collect();
                        let chords = [first, vec![returned; count], vec![varied; count]];
                        best = Some((cost, Band { bass: bass.clone(), drums: drums.clone(), chords }));
                    }
                }
            }
        }
    }
    best.map_or_else(Default::default, |(cost, band)| (band, cost))
}

/// All ways to give each of `count` letters one of the songs.
fn combinations(songs: &[Option<usize>], count: usize) -> Vec<Vec<Option<usize>>> {
    (0..songs.len().pow(count as u32))
        .map(|mut number| {
            let next = |_| {
                let song = songs[number % songs.len()];
                number /= songs.len();
                song
            };
            (0..count).map(next).collect()
        })
        .collect()
}

/// Fits of all combinations, worked out once. No song counts as a fourth.
struct Fits(Vec<Fit>);

impl Fits {
    fn new(library: &Library<'_>, choices: &[Choice], stock: &Stock) -> Self {
        let mut fits = Vec::new();
        for (place, (letter, choice)) in library.letters.iter().zip(choices).enumerate() {
            let bars = letter.bars.min(16);
            let onsets = |role: Role, song: usize| -> Vec<u16> {
                let block = (song < 3).then(|| stock.block(place, role, song)).flatten();
                let of = |block: Block| {
                    (0..bars).map(|bar| library.materials[song].bars[block.bar(bar)].onsets[role.index()]).collect()
                };
                block.map_or_else(|| vec![0; bars], of)
            };
            let tune: Vec<u16> = choice.melody.as_ref().map_or_else(
                || vec![0; bars],
                |(song, tune)| {
                    let onsets =
                        |(bar, _): (usize, i32)| library.materials[*song].bars[bar].onsets[Role::Melody.index()];
                    tune.bars().map(onsets).take(bars).collect()
                },
            );
            let all: Vec<[Vec<u16>; 3]> =
                (0..4).map(|song| [Role::Chords, Role::Bass, Role::Drums].map(|role| onsets(role, song))).collect();
            for chords in 0..4 {
                for bass in 0..4 {
                    for drums in 0..4 {
                        let (a, b, c) = (&all[chords][0], &all[bass][1], &all[drums][2]);
                        let together: Vec<u16> = (0..bars)
                            .map(|bar| tune.get(bar).copied().unwrap_or(0) | a[bar] | b[bar] | c[bar])
                            .collect();
                        let locked = b.iter().zip(c).map(|(b, c)| blocks::onset_likeness(*b, *c)).sum::<f64>();
                        let unity = blocks::groove_unity(&together, library.target.bar());
                        fits.push(Fit { unity, locked: locked / bars.max(1) as f64 });
                    }
                }
            }
        }
        Self(fits)
    }

    fn of(&self, place: usize, chords: Option<usize>, bass: Option<usize>, drums: Option<usize>) -> &Fit {
        let index = |song: Option<usize>| song.unwrap_or(3);
        &self.0[((place * 4 + index(chords)) * 4 + index(bass)) * 4 + index(drums)]
    }
}

/// Appends a section's bars to the plan.
fn fill(plan: &mut Plan, library: &Library<'_>, choices: &[Choice], stock: &Stock, band: &Band, section: &Section) {
    let slots = library.target.slots();
    // Intro and end are made of the first letter.
    let place = section
        .letter()
        .and_then(|letter| library.letters.iter().position(|known| usize::from(known.index) == letter))
        .unwrap_or(0);
    let choice = &choices[place];
    let tune: Vec<(usize, i32)> = choice.melody.as_ref().map_or_else(Vec::new, |(_, tune)| tune.bars().collect());
    let length = library.letters.get(place).map_or(1, |letter| letter.bars.max(1));
    let is_short = library.sections.iter().map(|section| section.bars).sum::<usize>() < 28;
    for index in 0..section.bars {
        let bar = match section.kind {
            SectionKind::End => (length / 2 + index) % length,
            _ => index % length,
        };
        let harmony = choice.harmony.map_or(Cell::made(Kind::Made), |(song, block)| {
            let (shift, _) = library.materials[song].shift_of(block.start..block.start + block.period);
            Cell::of(library.materials, song, block.bar(bar), shift)
        });
        plan.harmony.push(harmony);
        plan.chords.extend_from_slice(&choice.chords[bar * slots..(bar + 1) * slots]);
        for role in Role::ALL {
            // Where there are no chords yet, the rest is heard from the beginning.
            let has_chords = role < Role::Chords || plan.cell(Role::Chords, plan.harmony.len() - 1).is_some();
            let starts_at = match (section.kind, role) {
                (SectionKind::Intro, Role::Melody) => usize::MAX,
                (SectionKind::Intro, Role::Bass) if !is_short && has_chords => 2,
                (SectionKind::Intro, Role::Drums) if !is_short && has_chords => 1,
                _ => 0,
            };
            let song = match role {
                Role::Melody => choice.melody.as_ref().map(|(song, _)| *song),
                Role::CounterMelody => None,
                Role::Chords => band.chords[section.occurrence.min(2)][place],
                Role::Bass => band.bass[place],
                Role::Drums => band.drums[place],
            };
            let cell = song.filter(|_| index >= starts_at).and_then(|song| {
                if role == Role::Melody {
                    let &(at, shift) = tune.get(bar)?;
                    return Some(Cell::of(library.materials, song, at, shift));
                }
                let block = stock.block(place, role, song)?;
                let at = playing(library, role, song, &block, bar)?;
                let (shift, _) = library.materials[song].shift_of(block.start..block.start + block.period);
                Some(Cell::of(library.materials, song, at, if role == Role::Drums { 0 } else { shift }))
            });
            plan.cells[role.index()].push(cell);
        }
    }
}

/// The bar of a block; one before it where the role is silent there, or else the next one, so that no bar is empty by
/// accident.
fn playing(library: &Library<'_>, role: Role, song: usize, block: &Block, bar: usize) -> Option<usize> {
    let inside = bar % block.period;
    let earlier = [0, 4, 2, 1, inside].into_iter().filter_map(|back| inside.checked_sub(back));
    let candidates = earlier.chain(inside + 1..block.period).map(|inside| block.start + inside);
    candidates.into_iter().find(|&at| library.materials[song].plays(role, at))
}

/// A second tune under the last return of each letter, from a song that does not have the first.
fn counter_melody(plan: &mut Plan, library: &Library<'_>, choices: &[Choice], dice: &mut Dice) {
    for (place, choice) in choices.iter().enumerate() {
        let letter = usize::from(library.letters[place].index);
        let of_letter = |section: &&Section| section.letter() == Some(letter) && section.occurrence > 0;
        let Some(section) = library.sections.iter().rfind(of_letter) else { continue };
        let melody = choice.melody.as_ref().map(|(song, _)| *song);
        let counts = |song: usize| {
            let cells = plan.cells.iter().flatten().flatten();
            cells.filter(|cell| cell.song == Some(song)).count() as f64 / library.shares[song].max(1e-3)
        };
        let able = |song: &usize| {
            let material = &library.materials[*song];
            Some(*song) != melody
                && (material.presence[Role::CounterMelody.index()] >= LEAST_COUNTER
                    || library.shelves[*song].is_tuneful())
        };
        let chosen = (0..3).filter(able).min_by(|&a, &b| counts(a).total_cmp(&counts(b)));
        let Some(song) = chosen else { continue };
        let sets: Vec<_> = choice.chords.iter().map(|chord| tonal::tone_set(*chord, &library.target.key)).collect();
        let scale = tonal::scale(&library.target.key);
        let bars = library.letters[place].bars;
        let ground = Ground { chords: &sets, slots: library.target.slots(), scale, bars };
        let noise: Vec<f64> = (0..library.shelves[song].bars()).map(|_| library.noise(dice)).collect();
        let found: Option<Tune> = tune::best(&library.materials[song], &library.shelves[song], &ground, &noise);
        let Some(found) = found else { continue };
        for (index, (at, shift)) in found.bars().take(section.bars).enumerate() {
            plan.cells[Role::CounterMelody.index()][section.first_bar + index] =
                Some(Cell::of(library.materials, song, at, shift));
        }
    }
}

/// The last chord before a section becomes the dominant of its first, unless it leads there by itself.
fn bridges(plan: &mut Plan) {
    let slots = plan.target.slots();
    let key = plan.target.key;
    let scale = tonal::scale(&key);
    let starts: Vec<usize> =
        plan.sections.iter().skip(1).filter(|s| s.kind != SectionKind::End).map(|s| s.first_bar).collect();
    for bar in starts.into_iter().filter(|&bar| bar > 0) {
        let (last, next) = (plan.chords[bar * slots - 1], plan.chords[bar * slots]);
        let motion = (next.root + 12 - last.root) % 12;
        // Down or up a fifth, by a step down, or not at all; a step up as from a leading note.
        if matches!(motion, 0 | 1 | 2 | 5 | 7 | 11) {
            continue;
        }
        let root = (next.root + 7) % 12;
        let third = scale.has(usize::from(root) + 4);
        plan.chords[bar * slots - 1] = if !scale.has(root.into()) {
            tonal::dominant(&key)
        } else if third || root == (key.tonic + 7) % 12 {
            music::analysis::ChordSymbol { root, kind: music::analysis::ChordKind::Dominant }
        } else {
            music::analysis::ChordSymbol { root, kind: music::analysis::ChordKind::Minor }
        };
        plan.harmony[bar - 1].kind = Kind::Bridge;
    }
}

/// The end: fourth degree, dominant, tonic held.
fn cadence(plan: &mut Plan) {
    let Some(end) = plan.sections.last().cloned() else { return };
    let slots = plan.target.slots();
    let key = plan.target.key;
    let hold = plan.hold_bar();
    for bar in hold..end.end_bar() {
        plan.chords[bar * slots..(bar + 1) * slots].fill(tonal::tonic_chord(&key));
        plan.harmony[bar] = Cell::made(Kind::Cadence);
    }
    let approach = [(hold.checked_sub(1), tonal::dominant(&key)), (hold.checked_sub(2), tonal::subdominant(&key))];
    for (bar, chord) in approach {
        let Some(bar) = bar.filter(|bar| end.contains(*bar)) else { continue };
        plan.chords[bar * slots..(bar + 1) * slots].fill(chord);
        plan.harmony[bar].kind = Kind::Cadence;
    }
}
