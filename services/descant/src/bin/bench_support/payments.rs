//! Whether a stage was paid for twice: what the stand-in vendors charged, held against the rows of the calls and the stages
//! of the jobs. A rule without IO; who reads the rows is `rows`.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

/// What [`audit`] answers, in words.
pub const CLAIM: &str = "counted are charges at a vendor for what it had been asked for the same stage before, equal requests of \
     one stage, and charges without a row; not the next vendor's work where an answer was lost, nor a second try where a vendor \
     told that the first came to nothing (one more run of Replicate): these have lines of their own";

/// What can be looked for at its vendor, and is asked for once more where it came to nothing.
const FINDABLE: [&str; 2] = ["create_prediction", "create_training"];
/// Charges for one thing: of what can be looked for, and of what is answered at once or never.
const MOST_RUNS: usize = 2;
const MOST_ANSWERS: usize = 1;
/// A row's id, a UUID with hyphens. A request that is put in another manner has a number behind it.
const ID_BYTES: usize = 36;
/// The end of the purpose of a part that is recited once more, since the first time was of no use.
const ONCE_MORE: &str = "/again";

/// A charge of the stand-ins' ledger.
#[derive(Clone, Debug, Deserialize)]
pub struct Charge {
    /// In the order of the work.
    pub number: u64,
    pub vendor: String,
    pub route: String,
    pub correlation: Option<String>,
    pub request_id: Option<String>,
    /// The vendor's id of what was made.
    pub subject: Option<String>,
    /// In millionths of a US dollar.
    pub amount_micros: u64,
    pub request_sha256: String,
}

/// What the row of a call says of its end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// The answer is kept with the job.
    Kept,
    /// It was answered, and the answer cannot be used.
    OfNoUse,
    /// Nobody knows what was answered.
    Lost,
    CalledOff,
}

/// The row of a call.
#[derive(Clone, Debug)]
pub struct Call {
    pub id: String,
    pub job: String,
    pub stage: String,
    pub purpose: String,
    /// A name of the settings' tables, with a service behind a slash where it has several.
    pub provider: String,
    /// The vendor's id, once it is known.
    pub outside_id: Option<String>,
    pub standing: Standing,
}

impl Call {
    fn provider_name(&self) -> &str {
        self.provider.split('/').next().unwrap_or_default()
    }
}

/// Who made a stage.
#[derive(Clone, Debug, Default)]
pub struct Made {
    pub by: Option<String>,
    /// Whose answer was waited for no longer.
    pub too_late: BTreeSet<String>,
}

/// Stages by their job's id and their name.
pub type Stages = BTreeMap<(String, String), Made>;

/// What became of something that was paid for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    Used,
    Late,
    OfNoUse,
    Lost,
    CalledOff,
    PaidAgain,
    WithoutRow,
    OfTwoRows,
}

impl Class {
    pub const ALL: [Self; 8] = [
        Self::Used,
        Self::Late,
        Self::OfNoUse,
        Self::Lost,
        Self::CalledOff,
        Self::PaidAgain,
        Self::WithoutRow,
        Self::OfTwoRows,
    ];

    /// Whether nothing may be of it.
    pub const fn is_violation(self) -> bool {
        matches!(self, Self::PaidAgain | Self::WithoutRow | Self::OfTwoRows)
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Used => "used: its stage was made of it",
            Self::Late => "late, kept, paid once: its stage was another's by then",
            Self::OfNoUse => "of no use, and told: its vendor said so, or a gate",
            Self::Lost => "answer lost: not asked for again there, the next one made the stage",
            Self::CalledOff => "called off, since another one had made the stage",
            Self::PaidAgain => "paid again at the same vendor for the same thing",
            Self::WithoutRow => "without the row of a call",
            Self::OfTwoRows => "claimed by two rows",
        }
    }
}

/// Charges, and what they come to.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Sum {
    pub charges: usize,
    pub amount_micros: u64,
}

/// What was found.
#[derive(Debug, Default, Serialize)]
pub struct Audit {
    pub classes: BTreeMap<Class, Sum>,
    /// That something was paid for.
    pub stages: usize,
    /// Of these, where more than one vendor was paid.
    pub at_several: usize,
    /// In words.
    pub violations: Vec<String>,
}

impl Audit {
    pub fn sum(&self, class: Class) -> Sum {
        self.classes.get(&class).copied().unwrap_or_default()
    }

    fn add(&mut self, class: Class, charge: &Charge, call: Option<&Call>) {
        let sum = self.classes.entry(class).or_default();
        sum.charges += 1;
        sum.amount_micros += charge.amount_micros;
        if class.is_violation() {
            let Charge { number, vendor, route, .. } = charge;
            let whose = match call {
                Some(call) => format!("job {}, {}, {} by {}", call.job, call.stage, call.purpose, call.provider),
                None => format!("named {:?}, {:?}, {:?}", charge.correlation, charge.request_id, charge.subject),
            };
            self.violations.push(format!("{}: charge {number}, {vendor} {route}, {whose}", class.words()));
        }
    }
}

/// Rows by what a charge knows of them.
struct Rows<'a> {
    by_id: HashMap<&'a str, &'a Call>,
    by_work: HashMap<&'a str, &'a Call>,
    /// Parts that were recited once more: job, stage, provider and the purpose of the first time.
    recited_again: HashSet<[&'a str; 4]>,
}

impl<'a> Rows<'a> {
    fn new(calls: &'a [Call]) -> Self {
        let once_more = |call: &'a Call| {
            let first = call.purpose.strip_suffix(ONCE_MORE)?;
            Some([call.job.as_str(), call.stage.as_str(), call.provider.as_str(), first])
        };
        Self {
            by_id: calls.iter().map(|call| (call.id.as_str(), call)).collect(),
            by_work: calls.iter().filter_map(|call| Some((call.outside_id.as_deref()?, call))).collect(),
            recited_again: calls.iter().filter_map(once_more).collect(),
        }
    }

    /// Those that a charge belongs to: one, if all is right.
    fn of(&self, charge: &Charge) -> Vec<&'a Call> {
        let names = [&charge.correlation, &charge.request_id].into_iter().flatten();
        let named = names.filter_map(|name| self.by_id.get(name.get(..ID_BYTES)?).copied());
        let of_work = charge.subject.as_deref().and_then(|work| self.by_work.get(work).copied());
        let mut found: Vec<&Call> = Vec::new();
        for call in named.chain(of_work) {
            if found.iter().all(|known| known.id != call.id) {
                found.push(call);
            }
        }
        found
    }

    /// What became of what was paid for once.
    fn class(&self, call: &Call, made: Option<&Made>) -> Class {
        let name = call.provider_name();
        let is_maker = made.is_some_and(|made| made.by.as_deref() == Some(name));
        let is_late = made.is_some_and(|made| made.too_late.contains(name));
        let is_recited_again =
            self.recited_again.contains(&[call.job.as_str(), &call.stage, &call.provider, &call.purpose]);
        match call.standing {
            Standing::Kept if is_recited_again => Class::OfNoUse,
            Standing::Kept if is_maker => Class::Used,
            Standing::Kept if is_late => Class::Late,
            Standing::Kept | Standing::OfNoUse => Class::OfNoUse,
            Standing::Lost => Class::Lost,
            Standing::CalledOff => Class::CalledOff,
        }
    }
}

/// Puts each charge into its class. What cost nothing is no charge.
pub fn audit(charges: &[Charge], calls: &[Call], stages: &Stages) -> Audit {
    let rows = Rows::new(calls);
    let mut audit = Audit::default();
    // What was paid for before: the thing by job, stage, provider and purpose, and the question by its hash.
    let mut things: HashMap<[&str; 4], Vec<&Call>> = HashMap::new();
    let mut questions: HashSet<[&str; 5]> = HashSet::new();
    let mut vendors: BTreeMap<[&str; 2], BTreeSet<&str>> = BTreeMap::new();
    let mut paid: Vec<&Charge> = charges.iter().filter(|charge| charge.amount_micros > 0).collect();
    paid.sort_by_key(|charge| charge.number);
    for charge in paid {
        let call = match rows.of(charge).as_slice() {
            [call] => *call,
            [] => {
                audit.add(Class::WithoutRow, charge, None);
                continue;
            }
            [first, ..] => {
                audit.add(Class::OfTwoRows, charge, Some(*first));
                continue;
            }
        };
        let stage = [call.job.as_str(), call.stage.as_str()];
        vendors.entry(stage).or_default().insert(call.provider_name());
        let is_findable = FINDABLE.contains(&charge.route.as_str());
        let question = [stage[0], stage[1], &charge.vendor, &charge.route, &charge.request_sha256];
        let is_equal = !is_findable && !questions.insert(question);
        let before = things.entry([stage[0], stage[1], &call.provider, &call.purpose]).or_default();
        let most = if is_findable { MOST_RUNS } else { MOST_ANSWERS };
        // Only what came to nothing, and was told, may be paid for once more, and by a row of its own.
        let stands = |earlier: &&Call| earlier.id == call.id || earlier.standing != Standing::OfNoUse;
        let is_again = is_equal || before.len() >= most || before.iter().any(stands);
        before.push(call);
        let made = stages.get(&(call.job.clone(), call.stage.clone()));
        audit.add(if is_again { Class::PaidAgain } else { rows.class(call, made) }, charge, Some(call));
    }
    audit.stages = vendors.len();
    audit.at_several = vendors.values().filter(|vendors| vendors.len() > 1).count();
    audit
}

#[cfg(test)]
mod tests {
    use super::{Standing::*, *};

    fn id(number: u32) -> String {
        format!("018f6b1e-7c2a-7000-8000-{number:012}")
    }

    /// A charge of a vendor's route for the call with this number.
    fn charge(number: u64, route: &str, call: u32) -> Charge {
        Charge {
            number,
            vendor: "vendor".to_owned(),
            route: route.to_owned(),
            correlation: Some(id(call)),
            request_id: None,
            subject: None,
            amount_micros: 10,
            request_sha256: number.to_string(),
        }
    }

    fn call(number: u32, provider: &str, purpose: &str, standing: Standing) -> Call {
        Call {
            id: id(number),
            job: "job".to_owned(),
            stage: "stage".to_owned(),
            purpose: purpose.to_owned(),
            provider: provider.to_owned(),
            outside_id: Some(format!("work-{number}")),
            standing,
        }
    }

    /// The stage was made by `maker`, and was not waited for by `slow` any longer.
    fn check(what: &str, charges: &[Charge], calls: &[Call], expected: &[(Class, usize)]) {
        let made = Made { by: Some("maker".to_owned()), too_late: BTreeSet::from(["slow".to_owned()]) };
        let stages = Stages::from([(("job".to_owned(), "stage".to_owned()), made)]);
        let audit = audit(charges, calls, &stages);
        let found: Vec<(Class, usize)> = audit.classes.iter().map(|(class, sum)| (*class, sum.charges)).collect();
        assert_eq!(found, expected, "{what}: {:?}", audit.violations);
        let violations: usize =
            expected.iter().filter(|(class, _)| class.is_violation()).map(|(_, charges)| charges).sum();
        assert_eq!(audit.violations.len(), violations, "{what}");
    }

    #[test]
    fn each_charge_is_classed_by_its_row() {
        let one = |route, provider, standing, class| {
            check(provider, &[charge(1, route, 1)], &[call(1, provider, "song", standing)], &[(class, 1)]);
        };
        one("music", "maker", Kept, Class::Used);
        one("create_training", "maker/trainings", Kept, Class::Used);
        one("music", "slow", Kept, Class::Late);
        one("music", "other", Kept, Class::OfNoUse);
        one("music", "other", OfNoUse, Class::OfNoUse);
        one("music", "other", Lost, Class::Lost);
        one("create_prediction", "other", CalledOff, Class::CalledOff);
        check("no row", &[charge(1, "music", 7)], &[call(1, "maker", "song", Kept)], &[(Class::WithoutRow, 1)]);
        let free = Charge { amount_micros: 0, ..charge(1, "music", 7) };
        check("what costs nothing", &[free], &[], &[]);
    }

    #[test]
    fn rows_are_found_by_every_name_that_a_charge_knows() {
        let (calls, nameless) =
            ([call(1, "maker", "song", Kept)], Charge { correlation: None, ..charge(1, "music", 1) });
        let used = [(Class::Used, 1)];
        check(
            "asked in another manner",
            &[Charge { correlation: Some(id(1) + "-2"), ..charge(1, "chat", 1) }],
            &calls,
            &used,
        );
        check("a request id", &[Charge { request_id: Some(id(1)), ..nameless.clone() }], &calls, &used);
        check("the work", &[Charge { subject: Some("work-1".to_owned()), ..nameless.clone() }], &calls, &used);
        check("nothing", &[nameless], &calls, &[(Class::WithoutRow, 1)]);
        let two = [call(1, "maker", "song", Kept), call(2, "maker", "other", Kept)];
        let torn = Charge { subject: Some("work-2".to_owned()), ..charge(1, "create_prediction", 1) };
        check("two rows", &[torn], &two, &[(Class::OfTwoRows, 1)]);
    }

    #[test]
    fn the_next_vendor_is_no_second_payment() {
        let calls = [call(1, "other", "song", Lost), call(2, "maker", "song", Kept)];
        let charges = [charge(1, "music", 1), charge(2, "create_prediction", 2)];
        check("lost, then another", &charges, &calls, &[(Class::Used, 1), (Class::Lost, 1)]);
        let audit = audit(&charges, &calls, &Stages::new());
        assert_eq!((audit.stages, audit.at_several, audit.sum(Class::Lost).amount_micros), (1, 1, 10));
    }

    #[test]
    fn the_same_vendor_is_paid_again_for_runs_that_came_to_nothing_only() {
        let pair = |what, route, first, second, purposes: [&str; 2], expected: &[(Class, usize)]| {
            let calls = [call(1, "maker", purposes[0], first), call(2, "maker", purposes[1], second)];
            check(what, &[charge(1, route, 1), charge(2, route, 2)], &calls, expected);
        };
        let (same, run) = (["song", "song"], "create_prediction");
        pair("a run that failed", run, OfNoUse, Kept, same, &[(Class::Used, 1), (Class::OfNoUse, 1)]);
        pair("a run that was lost", run, Lost, Kept, same, &[(Class::Lost, 1), (Class::PaidAgain, 1)]);
        pair("a run that is kept", run, Kept, Kept, same, &[(Class::Used, 1), (Class::PaidAgain, 1)]);
        pair("an answer of no use", "music", OfNoUse, Kept, same, &[(Class::OfNoUse, 1), (Class::PaidAgain, 1)]);
        pair("two questions", "chat", Kept, Kept, ["lyrics/1", "lyrics/2"], &[(Class::Used, 2)]);
        let again = ["recital/1", "recital/1/again"];
        pair("a part once more", run, Kept, Kept, again, &[(Class::Used, 1), (Class::OfNoUse, 1)]);
        let calls = [1, 2, 3].map(|number| call(number, "maker", "song", OfNoUse));
        let charges = [charge(1, run, 1), charge(2, run, 2), charge(3, run, 3)];
        check("a third run", &charges, &calls, &[(Class::OfNoUse, 2), (Class::PaidAgain, 1)]);
        let one = [call(1, "maker", "song", OfNoUse)];
        check(
            "one row",
            &charges.map(|charge| Charge { correlation: Some(id(1)), ..charge })[..2],
            &one,
            &[(Class::OfNoUse, 1), (Class::PaidAgain, 1)],
        );
    }

    #[test]
    fn equal_requests_of_one_stage_are_one_thing_whatever_they_are_called() {
        let calls = [call(1, "maker", "recital/1", Kept), call(2, "maker", "recital/2", Kept)];
        let charges = [1, 2]
            .map(|number| Charge { request_sha256: "equal".to_owned(), ..charge(number, "speech", number as u32) });
        check("equal", &charges, &calls, &[(Class::Used, 1), (Class::PaidAgain, 1)]);
    }
}
