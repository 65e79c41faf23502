//! Who plays each part.

use crate::{
    dice::Dice, era, error::ComposeError, genre::Genre, instrument::Instrument, options::Options, role::Role,
    spec::Spec, style::Style, understand::Understanding,
};

/// The band.
pub struct Players {
    /// General MIDI program by role; of drums, the kit.
    pub programs: [u8; Role::COUNT],
    pub plays: [bool; Role::COUNT],
    /// The style whose drums are played: drums may be asked for where a style has none.
    pub drums: &'static Spec,
    /// Drums play from the first A on, also where the style lets them in later.
    pub drums_throughout: bool,
    /// Plays solos.
    pub soloist: u8,
    /// Roles that have another sound for the sake of a decade.
    pub of_era: [bool; Role::COUNT],
}

/// Parts that an instrument may take over, its own first; of one that leads, the melody.
fn parts(instrument: Instrument, leads: bool) -> Vec<Role> {
    let own = if leads { Role::Melody } else { instrument.role() };
    let others: &[Role] = match own {
        Role::Bass | Role::Drums => &[],
        _ => &[Role::Melody, Role::Comping, Role::Pad],
    };
    std::iter::once(own).chain(others.iter().copied().filter(|other| *other != own)).collect()
}

/// # Errors
///
/// If nobody is left to play.
pub fn choose(
    asked: &Understanding,
    options: &Options,
    (spec, genre): (&'static Spec, Option<Genre>),
    dice: &mut Dice,
    warnings: &mut Vec<String>,
) -> Result<Players, ComposeError> {
    let mut programs = [0u8; Role::COUNT];
    let of_sentence = asked.without_instruments.iter().filter(|one| !options.instruments.contains(one));
    let unwanted: Vec<Instrument> = of_sentence.chain(&options.without_instruments).copied().collect();
    let is_unwanted = |program: u8| unwanted.iter().any(|one| one.is_kin(program));
    let mut plays = Role::ALL.map(|role| !options.without.contains(&role));
    let mut is_taken = [false; Role::COUNT];
    for role in Role::ALL {
        let own: Vec<u8> =
            spec.programs[role.index()].iter().copied().filter(|program| !is_unwanted(*program)).collect();
        let spare: Vec<u8> = spare(role).iter().copied().filter(|program| !is_unwanted(*program)).collect();
        // Chance is drawn also where there is no choice, so that a wish more changes nothing else.
        let choice = dice.share();
        let from = if own.is_empty() { &spare } else { &own };
        match from.get((choice * from.len() as f64) as usize) {
            Some(program) => programs[role.index()] = *program,
            None if role != Role::Drums => plays[role.index()] = false,
            None => {}
        }
    }
    for (role, program) in genre.map_or(&[][..], Genre::programs) {
        if !is_unwanted(*program) {
            programs[role.index()] = *program;
        }
    }
    let era = options.era.or(asked.era);
    let before_era = programs;
    if let Some(era) = era {
        let of_era = era::played(era.decade, programs);
        for role in Role::ALL {
            // A decade brings back nothing that is not wanted.
            if role == Role::Drums || !is_unwanted(of_era[role.index()]) {
                programs[role.index()] = of_era[role.index()];
            }
        }
    }
    let lead = asked.lead.filter(|lead| asked.instruments.contains(lead));
    let lead = lead.filter(|lead| !options.without_instruments.contains(lead));
    // What is left out beside the sentence is left out, whatever the sentence asks for.
    let others = asked.instruments.iter().filter(|one| lead != Some(**one));
    let others = others.filter(|one| !options.without_instruments.contains(one));
    let named: Vec<Instrument> = options.instruments.iter().chain(&lead).chain(others).copied().collect();
    for instrument in &named {
        let is_option = options.instruments.contains(instrument);
        let possible = parts(*instrument, lead == Some(*instrument))
            .into_iter()
            .find(|role| !is_taken[role.index()] && plays[role.index()]);
        match possible {
            Some(role) => {
                is_taken[role.index()] = true;
                if role != Role::Drums {
                    programs[role.index()] = instrument.program();
                }
            }
            None if plays.iter().any(|plays| *plays) => {
                let source = if is_option { "options ask" } else { "sentence asks" };
                warnings.push(format!("no part is left for the {instrument} that the {source} for"));
            }
            None => {}
        }
    }
    let is_alone = asked.alone && !named.is_empty();
    if is_alone {
        // Who plays chords and is alone plays the tune over them, and the other way round.
        let chordal = named.iter().find(|one| matches!(one.role(), Role::Comping | Role::Pad));
        for role in [Role::Melody, Role::Comping] {
            if let Some(instrument) = chordal.filter(|_| !is_taken[role.index()]) {
                programs[role.index()] = instrument.program();
                is_taken[role.index()] = true;
            }
        }
        // A voice needs its tune, whoever accompanies it.
        let is_sung = !options.instrumental.or(asked.instrumental).unwrap_or(true);
        for role in Role::ALL {
            plays[role.index()] &= is_taken[role.index()] || role == Role::Melody && is_sung;
        }
    }
    for role in &asked.without {
        let is_option = options.instruments.iter().any(|instrument| instrument.role() == *role);
        if !is_option && plays[role.index()] {
            plays[role.index()] = false;
        }
    }
    if !plays.contains(&true) {
        return Err(ComposeError::NobodyPlays);
    }
    let wants_drums = is_taken[Role::Drums.index()];
    let drums = if spec.drums.is_empty() && wants_drums { Spec::of(Style::Pop)? } else { spec };
    let of_era = Role::ALL.map(|role| {
        let is_free = role == Role::Drums || !is_taken[role.index()];
        is_free && programs[role.index()] != before_era[role.index()]
    });
    let others: Vec<u8> = spec.programs[Role::Melody.index()]
        .iter()
        .chain(&spec.programs[Role::Comping.index()])
        .copied()
        .filter(|program| *program != programs[Role::Melody.index()] && !is_unwanted(*program))
        .collect();
    let soloist = dice.pick(&others).copied().unwrap_or(programs[Role::Melody.index()]);
    let soloist = if is_alone || is_taken[Role::Melody.index()] { programs[Role::Melody.index()] } else { soloist };
    Ok(Players { programs, plays, drums, drums_throughout: wants_drums, soloist, of_era })
}

/// Who may step in where everybody that the style knows is unwanted.
const fn spare(role: Role) -> &'static [u8] {
    match role {
        Role::Melody => &[73, 71, 65, 11, 80],
        Role::Comping => &[0, 25, 4, 16],
        Role::Pad => &[48, 89, 16],
        Role::Bass => &[33, 32, 38],
        Role::Drums => &[],
    }
}
