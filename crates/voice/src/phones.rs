//! The sounds of American English as a vocal tract makes them: formants, noise, duration and manner of each ARPAbet
//! phone.
//!
//! Vowel formants: Peterson & Barney (1952) and Hillenbrand et al. (1995), men, drawn a little outwards as careful
//! singers do. Consonants: Klatt (1980), tables II and III, with F2 loci after Sussman et al. (1991).

/// Formants that differ from phone to phone; those above are fixed for a voice.
pub const FORMANTS: usize = 4;

/// Frequencies and bandwidths of the lowest formants in Hz.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    pub hz: [f64; FORMANTS],
    pub bandwidth_hz: [f64; FORMANTS],
}

/// Where the tract is narrowest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    Labial,
    Dental,
    Alveolar,
    Palatal,
    Velar,
}

/// How a phone is made. Every phone has one manner, and the renderer has one way for each.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Manner {
    Vowel {
        to: Option<Shape>,
    },
    /// l, r, w, y.
    Approximant,
    Nasal {
        zero_hz: f64,
    },
    Stop {
        voiced: bool,
    },
    Affricate {
        voiced: bool,
    },
    Fricative {
        voiced: bool,
    },
    /// h: breath through the shape of the vowel that follows.
    Breath,
}

/// One band of turbulence noise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    pub hz: f64,
    pub width_hz: f64,
    pub db: f64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phone {
    pub name: &'static str,
    pub manner: Manner,
    pub place: Place,
    pub shape: Shape,
    /// Unhurried length in seconds; of a vowel, the least that still speaks.
    pub seconds: f64,
    /// Noise of frication or of the burst, relative to a vowel of full level. Empty for sonorants.
    pub noise: &'static [Band],
}

impl Phone {
    pub fn is_vowel(&self) -> bool {
        matches!(self.manner, Manner::Vowel { .. })
    }

    /// Whether the vocal folds swing freely, so that the pitch is heard.
    pub fn is_sonorant(&self) -> bool {
        matches!(self.manner, Manner::Vowel { .. } | Manner::Approximant | Manner::Nasal { .. })
    }

    /// Below this the noise of the phone has nothing: the cavity behind the narrowing is shut off from the lips.
    pub fn noise_floor_hz(&self) -> f64 {
        match self.name {
            "S" | "Z" => 3050.0,
            "SH" | "ZH" | "CH" | "JH" => 1900.0,
            "T" | "D" => 2000.0,
            _ => 60.0,
        }
    }

    /// Looks an ARPAbet phone up, with or without stress digit. Unstressed AH is the neutral vowel.
    pub fn named(arpabet: &str) -> Option<&'static Self> {
        if arpabet == "AH0" {
            return PHONES.iter().find(|p| p.name == "AX");
        }
        let name = arpabet.trim_end_matches(['0', '1', '2']);
        PHONES.iter().find(|p| p.name == name)
    }
}

const fn shape(f1: f64, f2: f64, f3: f64, f4: f64, b1: f64, b2: f64, b3: f64) -> Shape {
    Shape { hz: [f1, f2, f3, f4], bandwidth_hz: [b1, b2, b3, 160.0] }
}

const fn vowel(name: &'static str, from: Shape) -> Phone {
    Phone { name, manner: Manner::Vowel { to: None }, place: Place::Dental, shape: from, seconds: 0.08, noise: &[] }
}

const fn diphthong(name: &'static str, from: Shape, to: Shape) -> Phone {
    Phone { name, manner: Manner::Vowel { to: Some(to) }, place: Place::Dental, shape: from, seconds: 0.11, noise: &[] }
}

const fn consonant(
    name: &'static str,
    manner: Manner,
    place: Place,
    shape: Shape,
    seconds: f64,
    noise: &'static [Band],
) -> Phone {
    Phone { name, manner, place, shape, seconds, noise }
}

const fn band(hz: f64, width_hz: f64, db: f64) -> Band {
    Band { hz, width_hz, db }
}

const S_NOISE: &[Band] = &[band(3900.0, 1000.0, -19.0), band(5600.0, 2500.0, -22.0), band(7400.0, 2200.0, -20.0)];
const SH_NOISE: &[Band] = &[band(2650.0, 500.0, -17.0), band(3800.0, 900.0, -19.0), band(5600.0, 1800.0, -25.0)];
const F_NOISE: &[Band] = &[band(7600.0, 3500.0, -33.0), band(3000.0, 3500.0, -38.0), band(1300.0, 900.0, -41.0)];
const TH_NOISE: &[Band] = &[band(6000.0, 4000.0, -33.0), band(2600.0, 2500.0, -40.0), band(1400.0, 900.0, -43.0)];
const Z_NOISE: &[Band] = &[band(3900.0, 1000.0, -21.0), band(5600.0, 2500.0, -24.0), band(7400.0, 2200.0, -22.0)];
const ZH_NOISE: &[Band] = &[band(2600.0, 500.0, -20.0), band(3800.0, 1200.0, -22.0)];
const V_NOISE: &[Band] = &[band(7000.0, 5000.0, -48.0), band(3000.0, 3000.0, -50.0)];
const DH_NOISE: &[Band] = &[band(6000.0, 4500.0, -52.0), band(1500.0, 1000.0, -52.0)];
const P_NOISE: &[Band] = &[band(600.0, 600.0, -36.0), band(1800.0, 2000.0, -47.0)];
const T_NOISE: &[Band] = &[band(3600.0, 2000.0, -29.0), band(6500.0, 3000.0, -31.0)];
/// The band of k and g follows F2 of the vowel; this is what lies above it.
const K_NOISE: &[Band] = &[band(4200.0, 2500.0, -36.0)];
const B_NOISE: &[Band] = &[band(600.0, 600.0, -36.0), band(1600.0, 1500.0, -42.0)];
const D_NOISE: &[Band] = &[band(3500.0, 2000.0, -36.0), band(6500.0, 3000.0, -38.0)];

const STOP: Manner = Manner::Stop { voiced: false };
const VOICED_STOP: Manner = Manner::Stop { voiced: true };
const FRICATIVE: Manner = Manner::Fricative { voiced: false };
const VOICED_FRICATIVE: Manner = Manner::Fricative { voiced: true };

const PHONES: &[Phone] = &[
    vowel("IY", shape(280.0, 2260.0, 2960.0, 3600.0, 50.0, 110.0, 220.0)),
    diphthong(
        "IH",
        shape(400.0, 1880.0, 2540.0, 3500.0, 55.0, 100.0, 140.0),
        shape(450.0, 1680.0, 2500.0, 3450.0, 60.0, 100.0, 140.0),
    ),
    vowel("EH", shape(545.0, 1760.0, 2490.0, 3450.0, 60.0, 95.0, 160.0)),
    vowel("AE", shape(660.0, 1670.0, 2430.0, 3400.0, 75.0, 110.0, 180.0)),
    vowel("AA", shape(750.0, 1130.0, 2480.0, 3350.0, 95.0, 80.0, 150.0)),
    vowel("AO", shape(590.0, 890.0, 2480.0, 3300.0, 80.0, 80.0, 110.0)),
    vowel("AH", shape(600.0, 1220.0, 2430.0, 3400.0, 75.0, 75.0, 140.0)),
    vowel("AX", shape(460.0, 1380.0, 2440.0, 3400.0, 70.0, 85.0, 140.0)),
    vowel("UH", shape(450.0, 1060.0, 2300.0, 3300.0, 65.0, 85.0, 110.0)),
    vowel("UW", shape(320.0, 1050.0, 2240.0, 3250.0, 60.0, 80.0, 130.0)),
    vowel("ER", shape(470.0, 1340.0, 1680.0, 3200.0, 70.0, 75.0, 110.0)),
    diphthong(
        "EY",
        shape(490.0, 1920.0, 2560.0, 3500.0, 60.0, 95.0, 170.0),
        shape(320.0, 2210.0, 2800.0, 3600.0, 50.0, 100.0, 200.0),
    ),
    diphthong(
        "AY",
        shape(730.0, 1210.0, 2470.0, 3400.0, 85.0, 75.0, 140.0),
        shape(360.0, 2050.0, 2620.0, 3500.0, 55.0, 100.0, 180.0),
    ),
    diphthong(
        "OW",
        shape(530.0, 1010.0, 2380.0, 3300.0, 70.0, 75.0, 100.0),
        shape(380.0, 790.0, 2280.0, 3250.0, 60.0, 75.0, 100.0),
    ),
    diphthong(
        "AW",
        shape(740.0, 1270.0, 2460.0, 3400.0, 85.0, 75.0, 140.0),
        shape(420.0, 900.0, 2320.0, 3300.0, 65.0, 75.0, 100.0),
    ),
    diphthong(
        "OY",
        shape(540.0, 860.0, 2420.0, 3300.0, 75.0, 70.0, 110.0),
        shape(350.0, 2000.0, 2550.0, 3500.0, 55.0, 100.0, 160.0),
    ),
    consonant(
        "W",
        Manner::Approximant,
        Place::Labial,
        shape(290.0, 640.0, 2200.0, 3250.0, 55.0, 80.0, 90.0),
        0.075,
        &[],
    ),
    consonant(
        "Y",
        Manner::Approximant,
        Place::Palatal,
        shape(260.0, 2250.0, 3000.0, 3600.0, 45.0, 150.0, 300.0),
        0.075,
        &[],
    ),
    consonant(
        "R",
        Manner::Approximant,
        Place::Palatal,
        shape(330.0, 1080.0, 1420.0, 3150.0, 70.0, 100.0, 120.0),
        0.08,
        &[],
    ),
    consonant(
        "L",
        Manner::Approximant,
        Place::Alveolar,
        shape(340.0, 1080.0, 2800.0, 3400.0, 55.0, 100.0, 280.0),
        0.075,
        &[],
    ),
    consonant(
        "M",
        Manner::Nasal { zero_hz: 700.0 },
        Place::Labial,
        shape(260.0, 980.0, 2150.0, 3300.0, 50.0, 300.0, 350.0),
        0.08,
        &[],
    ),
    consonant(
        "N",
        Manner::Nasal { zero_hz: 780.0 },
        Place::Alveolar,
        shape(260.0, 1550.0, 2550.0, 3400.0, 50.0, 300.0, 300.0),
        0.075,
        &[],
    ),
    consonant(
        "NG",
        Manner::Nasal { zero_hz: 740.0 },
        Place::Velar,
        shape(260.0, 1400.0, 2400.0, 3400.0, 50.0, 400.0, 350.0),
        0.09,
        &[],
    ),
    consonant("P", STOP, Place::Labial, shape(300.0, 850.0, 2150.0, 3300.0, 150.0, 130.0, 180.0), 0.125, P_NOISE),
    consonant("T", STOP, Place::Alveolar, shape(300.0, 1750.0, 2650.0, 3500.0, 150.0, 120.0, 200.0), 0.125, T_NOISE),
    consonant("K", STOP, Place::Velar, shape(300.0, 1900.0, 2500.0, 3400.0, 150.0, 140.0, 200.0), 0.130, K_NOISE),
    consonant("B", VOICED_STOP, Place::Labial, shape(200.0, 850.0, 2150.0, 3300.0, 60.0, 110.0, 130.0), 0.080, B_NOISE),
    consonant(
        "D",
        VOICED_STOP,
        Place::Alveolar,
        shape(200.0, 1750.0, 2650.0, 3500.0, 60.0, 100.0, 170.0),
        0.075,
        D_NOISE,
    ),
    consonant("G", VOICED_STOP, Place::Velar, shape(200.0, 1900.0, 2500.0, 3400.0, 60.0, 120.0, 200.0), 0.080, K_NOISE),
    consonant("F", FRICATIVE, Place::Labial, shape(330.0, 1000.0, 2150.0, 3300.0, 200.0, 130.0, 150.0), 0.105, F_NOISE),
    consonant(
        "TH",
        FRICATIVE,
        Place::Dental,
        shape(320.0, 1350.0, 2540.0, 3400.0, 200.0, 110.0, 200.0),
        0.105,
        TH_NOISE,
    ),
    consonant(
        "S",
        FRICATIVE,
        Place::Alveolar,
        shape(320.0, 1550.0, 2550.0, 3450.0, 200.0, 100.0, 200.0),
        0.120,
        S_NOISE,
    ),
    consonant(
        "SH",
        FRICATIVE,
        Place::Palatal,
        shape(300.0, 1850.0, 2650.0, 3450.0, 200.0, 100.0, 250.0),
        0.125,
        SH_NOISE,
    ),
    consonant(
        "V",
        VOICED_FRICATIVE,
        Place::Labial,
        shape(240.0, 1000.0, 2150.0, 3300.0, 60.0, 110.0, 140.0),
        0.075,
        V_NOISE,
    ),
    consonant(
        "DH",
        VOICED_FRICATIVE,
        Place::Dental,
        shape(270.0, 1350.0, 2540.0, 3400.0, 60.0, 110.0, 180.0),
        0.060,
        DH_NOISE,
    ),
    consonant(
        "Z",
        VOICED_FRICATIVE,
        Place::Alveolar,
        shape(250.0, 1550.0, 2550.0, 3450.0, 70.0, 100.0, 190.0),
        0.095,
        Z_NOISE,
    ),
    consonant(
        "ZH",
        VOICED_FRICATIVE,
        Place::Palatal,
        shape(270.0, 1850.0, 2650.0, 3450.0, 60.0, 100.0, 250.0),
        0.090,
        ZH_NOISE,
    ),
    consonant(
        "CH",
        Manner::Affricate { voiced: false },
        Place::Palatal,
        shape(320.0, 1850.0, 2750.0, 3450.0, 200.0, 100.0, 250.0),
        0.135,
        SH_NOISE,
    ),
    consonant(
        "JH",
        Manner::Affricate { voiced: true },
        Place::Palatal,
        shape(250.0, 1850.0, 2750.0, 3450.0, 60.0, 100.0, 250.0),
        0.100,
        ZH_NOISE,
    ),
    consonant(
        "HH",
        Manner::Breath,
        Place::Velar,
        shape(500.0, 1500.0, 2500.0, 3400.0, 200.0, 150.0, 200.0),
        0.075,
        &[],
    ),
];

impl Phone {
    /// The shape of a consonant beside a vowel: its own target, drawn towards the vowel as far as its place leaves the
    /// tongue free (locus theory).
    pub fn shape_beside(&self, vowel: Option<&Shape>) -> Shape {
        let Some(vowel) = vowel else { return self.shape };
        let mut shape = self.shape;
        // How far F1 … F4 follow the vowel.
        let follow = match (self.manner, self.place) {
            (Manner::Vowel { .. }, _) => [0.0; FORMANTS],
            (Manner::Breath, _) => [1.0, 1.0, 1.0, 1.0],
            (Manner::Approximant, _) => [0.08, 0.08, 0.1, 0.3],
            (Manner::Nasal { .. }, Place::Labial) => [0.0, 0.3, 0.3, 0.5],
            (Manner::Nasal { .. }, _) => [0.0, 0.2, 0.3, 0.5],
            (_, Place::Labial) => [0.15, 0.62, 0.5, 0.5],
            (_, Place::Dental) => [0.15, 0.45, 0.45, 0.5],
            (_, Place::Alveolar) => [0.12, 0.40, 0.40, 0.5],
            (_, Place::Palatal) => [0.12, 0.25, 0.40, 0.5],
            (_, Place::Velar) => [0.12, 1.0, 0.6, 0.5],
        };
        for (i, follow) in follow.iter().enumerate() {
            shape.hz[i] += follow * (vowel.hz[i] - shape.hz[i]);
        }
        if self.place == Place::Velar && !matches!(self.manner, Manner::Breath | Manner::Nasal { .. }) {
            // The velar pinch: F2 above the vowel's, F3 close to it.
            shape.hz[1] = (vowel.hz[1] * 1.08 + 120.0).min(2400.0);
            shape.hz[2] = shape.hz[2].min(shape.hz[1] + 600.0).max(shape.hz[1] + 300.0);
        }
        shape
    }

    /// Seconds that the formants take from this consonant into a vowel, or out of a vowel into it.
    pub fn transition_seconds(&self) -> f64 {
        match (self.manner, self.name) {
            (Manner::Vowel { .. }, _) => 0.07,
            (Manner::Breath, _) => 0.02,
            (Manner::Approximant, "L") => 0.05,
            (Manner::Approximant, _) => 0.085,
            (Manner::Nasal { .. }, _) => 0.045,
            (Manner::Stop { .. }, _) => 0.045,
            _ => 0.05,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_arpabet_phone_is_here() {
        let all =
            "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V W Y Z ZH";
        for name in all.split(' ') {
            assert!(Phone::named(name).is_some(), "{name}");
            assert!(Phone::named(&format!("{name}1")).is_some(), "{name}");
        }
        assert_eq!(Phone::named("AH0").map(|p| p.name), Some("AX"));
        assert!(Phone::named("QQ").is_none());
        assert!(Phone::named("").is_none());
    }

    #[test]
    fn formants_rise_and_noise_is_where_there_is_no_voice() {
        for phone in PHONES {
            assert!(phone.shape.hz.windows(2).all(|w| w[0] < w[1]), "{}", phone.name);
            assert_eq!(phone.noise.is_empty(), phone.is_sonorant() || phone.manner == Manner::Breath, "{}", phone.name);
            assert!((0.05..0.2).contains(&phone.seconds));
        }
    }
}
