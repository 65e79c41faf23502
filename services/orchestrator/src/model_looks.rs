//! What was asked of which model of the registry, and when it is to be asked again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use domain::registry::{ModelAddress, ModelName, ModelStatus, RegisteredModel};

/// How often a provider is asked for the same.
const EVERY: Duration = Duration::from_secs(4 * 60);
/// How soon again after one could not be asked, or did not have what it may have yet.
const AGAIN: Duration = Duration::from_secs(30);

/// What was asked so far.
#[derive(Default)]
pub struct Looks {
    looked: BTreeMap<ModelName, Look>,
    /// Models whose version was not there when it was last looked for.
    unseen: BTreeMap<ModelName, Unseen>,
    /// Providers that could not be asked, and when.
    away: BTreeMap<String, Instant>,
}

/// At a model as it was then.
struct Look {
    revision: u64,
    at: Instant,
    again_after: Duration,
}

struct Unseen {
    provider: String,
    address: ModelAddress,
    /// Since the first look that found nothing.
    since: Instant,
}

impl Unseen {
    fn is_of(&self, model: &RegisteredModel) -> bool {
        self.provider == model.provider && model.address().as_ref() == Some(&self.address)
    }
}

impl Looks {
    /// Forgets models that there are no longer.
    pub fn keep(&mut self, models: &[RegisteredModel]) {
        let names: BTreeSet<&ModelName> = models.iter().map(|model| &model.name).collect();
        self.looked.retain(|name, _| names.contains(name));
        self.unseen.retain(|name, _| names.contains(name));
    }

    /// Whether it is new, has changed, or was asked for long enough ago.
    pub fn is_due(&self, model: &RegisteredModel, now: Instant) -> bool {
        let since = |at: Instant| now.saturating_duration_since(at);
        let is_away = self.away.get(&model.provider).is_some_and(|at| since(*at) < AGAIN);
        let is_known = self
            .looked
            .get(&model.name)
            .is_some_and(|look| look.revision == model.revision && since(look.at) < look.again_after);
        !is_away && !is_known
    }

    /// Whether its version was looked for in vain a while ago.
    pub fn is_second(&self, model: &RegisteredModel, now: Instant) -> bool {
        self.unseen
            .get(&model.name)
            .is_some_and(|unseen| unseen.is_of(model) && now.saturating_duration_since(unseen.since) >= AGAIN)
    }

    /// Its provider said whether it has the version that its jobs get.
    pub fn answered(&mut self, model: &RegisteredModel, is_there: bool, now: Instant) {
        let is_known = self.unseen.get(&model.name).is_some_and(|unseen| unseen.is_of(model));
        if is_there {
            self.unseen.remove(&model.name);
        } else if let Some(address) = model.address()
            && !is_known
        {
            let unseen = Unseen { provider: model.provider.clone(), address, since: now };
            self.unseen.insert(model.name.clone(), unseen);
        }
    }

    /// All that there is to ask for a model was asked; this is what it is since.
    pub fn done(&mut self, model: &RegisteredModel, now: Instant) {
        self.away.remove(&model.provider);
        let is_in_doubt = model.status == ModelStatus::Ready
            && self.unseen.get(&model.name).is_some_and(|unseen| unseen.is_of(model));
        self.note(model, if is_in_doubt { AGAIN } else { EVERY }, now);
    }

    /// Its provider could not be asked for this one.
    pub fn failed(&mut self, model: &RegisteredModel, now: Instant) {
        self.note(model, AGAIN, now);
    }

    /// Its provider could not be asked for any.
    pub fn provider_is_away(&mut self, provider: &str, now: Instant) {
        self.away.insert(provider.to_owned(), now);
    }

    fn note(&mut self, model: &RegisteredModel, again_after: Duration, now: Instant) {
        self.looked.insert(model.name.clone(), Look { revision: model.revision, at: now, again_after });
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use domain::{
        ModelId,
        registry::{ModelKind, ModelVersion},
    };
    use resilience::ids::random10;

    use super::*;

    fn model(name: &str) -> RegisteredModel {
        let (name, epoch) = (ModelName::new(name).unwrap(), DateTime::UNIX_EPOCH);
        let bare = RegisteredModel::bare(ModelId::new(epoch, random10()), name, ModelKind::Base, "replicate", epoch);
        RegisteredModel { version: Some(ModelVersion::new("one").unwrap()), ..bare }
    }

    #[test]
    fn one_that_could_not_be_asked_for_keeps_no_other_waiting() {
        let (mut looks, start, [one, two]) = (Looks::default(), Instant::now(), ["one", "two"].map(model));
        let check = |looks: &Looks, after: Duration, expected: [bool; 2]| {
            assert_eq!([&one, &two].map(|model| looks.is_due(model, start + after)), expected, "{after:?}");
        };
        looks.failed(&one, start);
        check(&looks, Duration::ZERO, [false, true]);
        check(&looks, AGAIN, [true, true]);
        looks.provider_is_away("replicate", start + AGAIN);
        check(&looks, AGAIN, [false, false]);
        check(&looks, 2 * AGAIN, [true, true]);
    }

    #[test]
    fn what_is_ready_and_not_there_is_looked_for_twice() {
        let (mut looks, start, model) = (Looks::default(), Instant::now(), model("x"));
        let soon = start + AGAIN / 2;
        let mut look = |model: &RegisteredModel, is_there: bool, now: Instant| {
            let is_second = looks.is_second(model, now);
            looks.answered(model, is_there, now);
            looks.done(model, now);
            assert!(!looks.is_due(model, now));
            (is_second, looks.is_due(model, now + AGAIN), looks.is_due(model, now + EVERY))
        };
        assert_eq!(look(&model, false, start), (false, true, true), "it may be shown soon");
        assert_eq!(look(&model, false, soon), (false, true, true), "too soon to be sure");
        let missing = RegisteredModel { status: ModelStatus::Missing, ..model.clone() };
        assert!(look(&model, false, start + AGAIN).0, "long enough ago");
        assert_eq!(look(&missing, false, start + AGAIN), (true, false, true), "it is known to be missing");
        assert_eq!(look(&model, true, start + EVERY), (true, false, true));
        assert!(!look(&model, false, start + 2 * EVERY).0, "it was there in between");
        let other = RegisteredModel { version: Some(ModelVersion::new("two").unwrap()), ..model };
        assert!(!look(&other, false, start + 3 * EVERY).0, "another version is looked for anew");
    }
}
