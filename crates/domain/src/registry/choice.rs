//! Which version of a model a job gets. The job's id is the die: however often it is asked, the answer for the same model is
//! the same.

use serde::{Deserialize, Serialize};

use super::{ModelKind, ModelName, ModelStatus, ModelVersion, RegisteredModel};
use crate::ids::JobId;

/// Whose model made something, and in which version.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ModelUsed {
    pub name: ModelName,
    pub provider: String,
    pub version: ModelVersion,
}

/// Why no job gets a model.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unusable {
    #[error("it listens to recordings and makes no music")]
    Local,
    #[error("{}", told(*.0))]
    Status(ModelStatus),
    #[error("it has no version")]
    NoVersion,
}

/// What a status means to whoever asks for a model.
fn told(status: ModelStatus) -> String {
    let more = match status {
        ModelStatus::Pending => " until its provider has been asked for its version, within some minutes",
        ModelStatus::Missing => ": its provider does not have the version that it names",
        ModelStatus::Training | ModelStatus::Ready | ModelStatus::Disabled | ModelStatus::Failed => "",
    };
    format!("it is {status}{more}")
}

/// A number from 0 to below 1 that is a job's own for ever; those of many jobs are spread evenly.
pub fn dice(job: JobId) -> f64 {
    let bits = job.uuid().as_u128();
    // Ids of neighbouring moments begin alike: both halves go in, and every bit reaches every other.
    let mixed = mix((bits >> 64) as u64 ^ mix(bits as u64));
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
const fn mix(bits: u64) -> u64 {
    let mut bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// The version that a die of 0 to below 1 gets: the one on trial below its share, else the current one.
///
/// # Errors
/// When nobody gets the model.
pub fn choose(model: &RegisteredModel, dice: f64) -> Result<ModelUsed, Unusable> {
    if model.kind == ModelKind::Local {
        return Err(Unusable::Local);
    }
    if model.status != ModelStatus::Ready {
        return Err(Unusable::Status(model.status));
    }
    let current = model.version.as_ref().ok_or(Unusable::NoVersion)?;
    let on_trial = model.canary.as_ref().filter(|canary| !canary.is_missing && dice < canary.share.get());
    let version = on_trial.map_or(current, |canary| &canary.version).clone();
    Ok(ModelUsed { name: model.name.clone(), provider: model.provider.clone(), version })
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};

    use super::*;
    use crate::{
        ids::ModelId,
        registry::{Canary, Share},
    };

    fn model(canary_share: Option<f64>) -> RegisteredModel {
        let (id, name) = (ModelId::from_uuid(uuid::Uuid::nil()), ModelName::new("x").unwrap());
        let version = |text: &str| ModelVersion::new(text).unwrap();
        let canary = canary_share.map(|share| Canary::new(version("new"), Share::new(share).unwrap()));
        let bare = RegisteredModel::bare(id, name, ModelKind::Base, "replicate", DateTime::UNIX_EPOCH);
        RegisteredModel { version: Some(version("old")), canary, ..bare }
    }

    #[test]
    fn a_die_below_the_share_gets_the_version_on_trial() {
        let check = |share, dice, expected: &str| {
            let chosen = choose(&model(share), dice).unwrap();
            assert_eq!(chosen.version.as_str(), expected, "{dice} of {share:?}");
            assert_eq!((chosen.name.as_str(), chosen.provider.as_str()), ("x", "replicate"));
        };
        check(None, 0.0, "old");
        check(Some(0.25), 0.0, "new");
        check(Some(0.25), 0.249_999, "new");
        check(Some(0.25), 0.25, "old");
        check(Some(0.0), 0.0, "old");
        check(Some(1.0), 0.999_999, "new");
    }

    #[test]
    fn what_is_not_ready_is_nobodys() {
        for status in ModelStatus::ALL {
            let chosen = choose(&RegisteredModel { status: *status, ..model(None) }, 0.5);
            let expected = if *status == ModelStatus::Ready { None } else { Some(Unusable::Status(*status)) };
            assert_eq!(chosen.err(), expected);
        }
        let local = RegisteredModel { kind: ModelKind::Local, ..model(None) };
        assert_eq!(choose(&local, 0.5), Err(Unusable::Local));
        assert_eq!(choose(&RegisteredModel { version: None, ..model(None) }, 0.5), Err(Unusable::NoVersion));
    }

    /// Ids of jobs that come in one after the other, whose random bits are as like each other as can be.
    #[test]
    fn dice_are_spread_evenly_and_stay() {
        let start: DateTime<chrono::Utc> = "2026-11-28T12:00:00Z".parse().unwrap();
        let job = |n: u16| {
            let [high, low] = n.to_be_bytes();
            JobId::new(start + TimeDelta::milliseconds(i64::from(n)), [0, 0, 0, 0, 0, 0, 0, 0, high, low])
        };
        let mut tenths = [0_u32; 10];
        for n in 0..10_000 {
            let die = dice(job(n));
            assert!((0.0..1.0).contains(&die), "{die}");
            assert!(die.to_bits() == dice(job(n)).to_bits(), "the same job, the same die");
            tenths[(die * 10.0) as usize] += 1;
        }
        // Of 1000 expected in each, 5 standard deviations (30 each).
        assert!(tenths.iter().all(|tenth| tenth.abs_diff(1_000) < 150), "{tenths:?}");
    }

    #[test]
    fn a_die_is_the_same_in_every_version_of_this_program() {
        let job: JobId = "018f6b1e-7c2a-7000-8000-000000000000".parse().unwrap();
        assert!((dice(job) - PINNED).abs() < 1e-12, "{}", dice(job));
    }

    const PINNED: f64 = 0.27993065086662605;
}
