//! Vendors, who does what, and what may be spent.

use std::{collections::BTreeSet, time::Duration};

use domain::{Prices, options::Language};
use url::Url;

use super::vendor_limits::limits;
use crate::{
    Secret,
    keys::BUILT_IN_PROVIDERS,
    reader::Reader,
    vendors::{CapabilitySettings, SpendingSettings, Vendor, VendorKind},
};

const LONGEST_MS: u64 = 86_400_000;
/// Names that mean something else.
const RESERVED: [&str; 2] = ["offline", "expert"];
/// The built-in table that older keys fill as well.
const ML_MODEL: &str = "ml_model";

/// The vendors that are set up. One of the built-in tables is when there is a key for it, or an address for one that needs no
/// key; any other when it is there. A model that blends is waited for as long as `call_timeout` where its table says nothing.
pub fn vendors(reader: &mut Reader, call_timeout: Duration) -> Vec<Vendor> {
    let names = reader.provider_names();
    names.iter().filter_map(|name| vendor(reader, name, call_timeout)).collect()
}

/// What is said of the model that blends songs by the keys that were there before its table was.
#[derive(Default)]
struct OlderModel {
    base_url: Option<Url>,
    api_key: Option<Secret<String>>,
    plays: bool,
}

impl OlderModel {
    fn read(reader: &mut Reader) -> Self {
        for (older, now) in [
            ("providers.ml_model_url", "providers.ml_model.base_url"),
            ("providers.ml_model_api_key", "providers.ml_model.api_key"),
            ("providers.ml_model_plays", "providers.ml_model.plays"),
        ] {
            if reader.is_given(older) && reader.is_given(now) {
                reader.notices.push(format!("{older} is ignored: {now} is set too"));
            }
        }
        Self {
            base_url: reader.base_url("providers.ml_model_url"),
            api_key: reader.text("providers.ml_model_api_key").map(Secret::new),
            plays: reader.flag("providers.ml_model_plays").unwrap_or(false),
        }
    }
}

fn vendor(reader: &mut Reader, name: &str, call_timeout: Duration) -> Option<Vendor> {
    let at = |key: &str| format!("providers.{name}.{key}");
    let is_built_in = BUILT_IN_PROVIDERS.contains(&name);
    let kinds = VendorKind::ALL.map(|kind| (kind.as_str(), kind));
    let asked = reader.word(&at("kind"), &kinds);
    let named = VendorKind::ALL.into_iter().find(|kind| is_built_in && kind.as_str() == name);
    let kind = asked.or(named);
    if kind.is_none() && reader.are_good(&[&at("kind")]) {
        reader.missing(&at("kind"), "a table with a name of your own has to say how the provider is spoken to");
    }
    if RESERVED.contains(&name) {
        reader.wrong(&at("kind"), Some("a table with another name: this one is taken"));
    }
    let older = if name == ML_MODEL { OlderModel::read(reader) } else { OlderModel::default() };
    let base_url = reader.base_url(&at("base_url")).or(older.base_url);
    let key = reader.text(&at("api_key")).map(Secret::new).or(older.api_key);
    let plays = reader.flag(&at("plays")).unwrap_or(older.plays);
    let kind_or = kind.unwrap_or(VendorKind::OpenAi);
    let usual_timeout = match kind_or {
        VendorKind::MlModel => call_timeout,
        // Such as run beside us: a model on processors writes slowly.
        VendorKind::OpenAi if key.is_none() => call_timeout,
        _ => kind_or.timeout(),
    };
    let number_ms = |reader: &mut Reader, key: &str| reader.number(&at(key), 1..=LONGEST_MS).map(Duration::from_millis);
    let timeout = number_ms(reader, "timeout_ms").unwrap_or(usual_timeout);
    let work_timeout = number_ms(reader, "work_timeout_ms").unwrap_or(Duration::from_secs(600));
    let vendor = Vendor {
        name: name.to_owned(),
        kind: kind_or,
        base_url: Url::parse("http://localhost").ok()?,
        api_version: reader.text(&at("api_version")),
        model: reader.text(&at("model")).unwrap_or_else(|| kind_or.model().to_owned()),
        voice: reader.text(&at("voice")),
        vocals_version: version(reader, &at("vocals_version")),
        music_version: version(reader, &at("music_version")),
        trainer_version: version(reader, &at("trainer_version")),
        owner: reader.text(&at("owner")),
        hardware: reader.text(&at("hardware")),
        output_hosts: reader.list(&at("output_hosts"), |host| Some(host.to_ascii_lowercase())),
        webhook_secret: reader
            .parsed(&at("webhook_secret"), |text| text.starts_with("whsec_").then(|| text.to_owned()))
            .map(Secret::new),
        format: reader.text(&at("format")),
        max_tokens: reader.number(&at("max_tokens"), 64..=1_000_000).unwrap_or(4096),
        shortest_seconds: reader.float(&at("shortest_seconds"), 0.0..=36_000.0),
        longest_seconds: reader.float(&at("longest_seconds"), 0.0..=36_000.0),
        languages: reader.list(&at("languages"), |tag| tag.parse::<Language>().ok()),
        plays,
        timeout,
        work_timeout,
        concurrency: reader.number(&at("concurrency"), 1..=1000).unwrap_or(4),
        limits: limits(reader, name, kind_or),
        prices: prices(reader, name),
        monthly_limit: money(reader, &at("monthly_limit"), 1e9),
        api_key: key,
    };
    let kind = kind?;
    // A built-in table that nobody fills in is no vendor; the engine does what it would.
    let needs_key = matches!(kind, VendorKind::Anthropic | VendorKind::ElevenLabs | VendorKind::Replicate)
        || (kind == VendorKind::OpenAi && base_url.is_none());
    if needs_key && vendor.api_key.is_none() {
        if !is_built_in && reader.are_good(&[&at("api_key")]) {
            reader.missing(&at("api_key"), "this kind of provider asks for a key");
        }
        return None;
    }
    if kind == VendorKind::MlModel && is_built_in && base_url.is_none() {
        if plays {
            let notice = "providers.ml_model.plays is set, and no model is: providers.ml_model.base_url has no address";
            reader.notices.push(notice.to_owned());
        }
        return None;
    }
    let base_url = base_url.or_else(|| kind.base_url().and_then(|url| Url::parse(url).ok()));
    let Some(base_url) = base_url else {
        if reader.are_good(&[&at("base_url")]) {
            reader.missing(&at("base_url"), "this kind of provider has no address of its own");
        }
        return None;
    };
    Some(Vendor { base_url, ..vendor })
}

/// `owner/name`, `owner/name:version` or a version alone. A version has 64 hexadecimal digits: public code carries many that
/// were made up.
fn version(reader: &mut Reader, path: &str) -> Option<String> {
    reader.parsed(path, |text| {
        let is_hash = |text: &str| text.len() == 64 && text.bytes().all(|b| b.is_ascii_hexdigit());
        let is_model = |text: &str| {
            let is_name =
                |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
            text.split_once('/').is_some_and(|(owner, name)| is_name(owner) && is_name(name))
        };
        let is_good = match text.split_once(':') {
            Some((model, hash)) => is_model(model) && is_hash(hash),
            None => is_hash(text) || is_model(text),
        };
        is_good.then(|| text.to_owned())
    })
}

fn prices(reader: &mut Reader, name: &str) -> Prices {
    let mut price = |key: &str| money(reader, &format!("providers.{name}.price_{key}"), 1e5).unwrap_or(0);
    let [per_call, per_compute_second, per_audio_second, per_million_input_tokens, per_million_output_tokens] =
        ["per_call", "per_compute_second", "per_audio_second", "per_million_input_tokens", "per_million_output_tokens"]
            .map(&mut price);
    Prices {
        currency: currency(reader, &format!("providers.{name}.currency")).unwrap_or_else(|| "USD".to_owned()),
        as_of: reader.text(&format!("providers.{name}.prices_as_of")).unwrap_or_default(),
        per_call,
        per_compute_second,
        per_audio_second,
        per_million_input_tokens,
        per_million_output_tokens,
    }
}

/// An amount in millionths.
fn money(reader: &mut Reader, path: &str, most: f64) -> Option<i64> {
    reader.float(path, 0.0..=most).map(|amount| (amount * 1e6).round() as i64)
}

fn currency(reader: &mut Reader, path: &str) -> Option<String> {
    reader.parsed(path, |text| {
        let code = text.to_ascii_uppercase();
        (code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase())).then_some(code)
    })
}

/// Who does what. A name that is nobody's is a slip.
pub fn capabilities(reader: &mut Reader, vendors: &[Vendor]) -> CapabilitySettings {
    let set_up: BTreeSet<&str> = vendors.iter().map(|vendor| vendor.name.as_str()).chain(RESERVED).collect();
    let is_known = |name: &str| set_up.contains(name) || BUILT_IN_PROVIDERS.contains(&name);
    let mut lists = CapabilitySettings::default();
    for capability in CapabilitySettings::NAMES {
        let path = format!("capabilities.{capability}");
        let Some(names) = reader.list(&path, |name| Some(name.to_owned())) else { continue };
        for idle in names.iter().filter(|name| is_known(name) && !set_up.contains(name.as_str())) {
            let lacks = if idle == ML_MODEL { "address" } else { "key" };
            reader.notices.push(format!("{path} names {idle}, which is not set up: it has no {lacks}"));
        }
        if let Some(stranger) = names.iter().find(|name| !is_known(name)) {
            let expected = format!("names of providers that are set up; {stranger} is not");
            reader.wrong(&path, Some(&expected));
        }
        lists.0.insert(capability, names);
    }
    lists
}

pub fn spending(reader: &mut Reader) -> SpendingSettings {
    SpendingSettings {
        currency: currency(reader, "spending.currency").unwrap_or_default(),
        monthly_limit: money(reader, "spending.monthly_limit", 1e9),
        user_monthly_limit: money(reader, "spending.user_monthly_limit", 1e9),
    }
}

/// The key of a limit of the house or of users, if one is set.
fn limit_of_all(spending: &SpendingSettings) -> Option<&'static str> {
    let limits = [
        ("spending.monthly_limit", spending.monthly_limit),
        ("spending.user_monthly_limit", spending.user_monthly_limit),
    ];
    limits.into_iter().find_map(|(key, limit)| limit.map(|_| key))
}

/// A limit keeps nothing back while what is used has no price. What costs nothing has to say so: a price that is not there may as
/// well have been forgotten. Who wants no key is a server of the house's own; a model that blends is, where its table says no more
/// of it. Whoever is set up and asked for nothing costs nothing.
pub fn priced(reader: &mut Reader, vendors: &[Vendor], lists: &CapabilitySettings, spending: &SpendingSettings) {
    for vendor in vendors.iter().filter(|vendor| vendor.api_key.is_some() && lists.ask(vendor)) {
        let at = |key: &str| format!("providers.{}.{key}", vendor.name);
        let of_all = limit_of_all(spending).filter(|_| vendor.kind != VendorKind::MlModel).map(str::to_owned);
        let Some(limit) = vendor.monthly_limit.map(|_| at("monthly_limit")).or(of_all) else { continue };
        let keys = vendor.kind.priced_by();
        let Some(first) = keys.first().map(|key| at(key)) else { continue };
        if keys.iter().any(|key| reader.is_given(&at(key))) {
            continue;
        }
        let why = format!(
            "{limit} is set, and nothing is held against it while what {} does has no price: set {} to what it charges, or \
             price_per_call = 0 where it costs nothing",
            vendor.name,
            keys.join(" or "),
        );
        reader.missing(&first, &why);
    }
}

/// Limits of the house and of users are sums in one currency: what cost in another could not be held against them.
pub fn one_currency(reader: &mut Reader, vendors: &[Vendor], spending: &SpendingSettings) {
    let Some(limit) = limit_of_all(spending) else { return };
    // Another Descant may say what it costs where no prices are set.
    let may_cost = |vendor: &&Vendor| !vendor.prices.is_free() || vendor.kind == VendorKind::Expert;
    for vendor in vendors.iter().filter(may_cost).filter(|vendor| vendor.prices.currency != spending.currency) {
        let path = format!("providers.{}.currency", vendor.name);
        if !reader.are_good(&[&path, "spending.currency"]) {
            continue;
        }
        let (given, house) = (&vendor.prices.currency, &spending.currency);
        let why =
            format!("{house}, as spending.currency: {limit} is set, and what costs in {given} is not held against it");
        if reader.is_given(&path) { reader.wrong(&path, Some(&why)) } else { reader.missing(&path, &why) }
    }
}
