//! Most that may be spent with vendors, as the settings say.

use std::collections::BTreeMap;

use domain::Cost;
use persistence::SpendingLimits;
use settings::Settings;

/// Most that may be spent in a month.
#[derive(Clone, Debug, Default)]
pub struct SpendingRules {
    house: Option<Cost>,
    user: Option<Cost>,
    providers: BTreeMap<String, Cost>,
}

impl SpendingRules {
    pub fn of(settings: &Settings) -> Self {
        let spending = &settings.spending;
        let cost = |micros: Option<i64>, currency: &str| Some(Cost { micros: micros?, currency: currency.to_owned() });
        let of_vendor = |vendor: &settings::Vendor| {
            Some((vendor.name.clone(), cost(vendor.monthly_limit, &vendor.prices.currency)?))
        };
        Self {
            house: cost(spending.monthly_limit, &spending.currency),
            user: cost(spending.user_monthly_limit, &spending.currency),
            providers: settings.vendors.iter().filter_map(of_vendor).collect(),
        }
    }

    /// Those that a call of a provider has to keep.
    pub fn limits(&self, provider: &str) -> SpendingLimits {
        SpendingLimits {
            house: self.house.clone(),
            user: self.user.clone(),
            provider: self.providers.get(persistence::account_of(provider)).cloned(),
        }
    }
}
