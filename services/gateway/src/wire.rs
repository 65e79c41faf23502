//! JSON that answers of many routes have in common.

use domain::{
    audio::{Finding, Severity},
    quota::{QuotaLimits, QuotaUsage},
};
use serde::Serialize;
use utoipa::ToSchema;

/// A user's limits and how much of them is used.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct QuotaBody {
    pub daily_used: u32,
    /// `null` means no limit.
    pub daily_limit: Option<u32>,
    pub monthly_used: u32,
    /// `null` means no limit.
    pub monthly_limit: Option<u32>,
}

impl QuotaBody {
    pub fn of(limits: QuotaLimits, usage: QuotaUsage) -> Self {
        Self {
            daily_used: usage.daily,
            daily_limit: limits.daily,
            monthly_used: usage.monthly,
            monthly_limit: limits.monthly,
        }
    }
}

/// One thing that validation found.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FindingBody {
    pub code: &'static str,
    /// `error` or `warning`.
    pub severity: &'static str,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<String>,
}

impl FindingBody {
    pub fn of(finding: &Finding) -> Self {
        let Finding { code, severity, message, measured, limit } = finding;
        Self {
            code: code.as_str(),
            severity: match severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
            },
            message: message.clone(),
            measured: measured.clone(),
            limit: limit.clone(),
        }
    }
}

/// A song that may be meant.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, ToSchema)]
pub struct SongChoice {
    /// Names exactly this one.
    pub id: String,
    /// `Title - Artist`, with the id in brackets where that alone does not name it. Names exactly this one, too.
    pub name: String,
    pub title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub artist: Option<String>,
}
