//! Words that are never sung: slurs, sexual and excretory vulgarities, names of atrocity.
//!
//! The list is kept as FNV-1a fingerprints, so that the source can be read without reading the words.

/// FNV-1a, 64 bits, of the lower-case word.
const fn fingerprint(word: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut i = 0;
    while i < word.len() {
        hash = (hash ^ word[i].to_ascii_lowercase() as u64).wrapping_mul(0x0100_0000_01b3);
        i += 1;
    }
    hash
}

/// Sorted.
const BLOCKED: &[u64] = &[
    0x00ef_3228_8a16_56c5,
    0x0363_2e0d_eb84_3dce,
    0x08e2_19ee_0e81_a0af,
    0x0a8f_6f90_c655_c45f,
    0x0bb8_f591_194e_f325,
    0x0bc6_1091_1959_ab62,
    0x1246_5390_8c83_bb79,
    0x1e35_9bef_2e85_0857,
    0x20ae_4246_7645_5c0f,
    0x20dc_3eba_dd01_b484,
    0x2667_f355_d2d2_db57,
    0x2947_1391_e927_1339,
    0x2d5d_f218_d441_759a,
    0x2f18_7924_8c8b_a920,
    0x3059_a47b_3d25_a29b,
    0x3302_292e_1be3_405b,
    0x37f2_7187_ce8b_e9dd,
    0x3afe_1415_d7ed_871a,
    0x3d99_5419_3631_fe28,
    0x3da8_1967_0758_41be,
    0x3dd3_0307_7a66_4e0d,
    0x3e03_c415_55ba_9b5a,
    0x402d_11cc_7e6f_8c70,
    0x4320_e2a2_e32e_a053,
    0x4382_69e7_3823_bbc1,
    0x4584_6a19_3a78_282c,
    0x46f0_5e18_e29e_cd13,
    0x4c6d_7290_acc0_36bf,
    0x4f88_a541_4b3a_dd1d,
    0x53a1_4ede_3393_1098,
    0x561d_9eec_de04_7202,
    0x56f2_cc19_445f_a4be,
    0x5754_4099_439d_f70b,
    0x5c61_a44c_47e9_3a33,
    0x5dbf_0258_d0a1_5d66,
    0x5e7d_9bf6_2c23_f27e,
    0x5eb4_f319_4882_e691,
    0x5f60_b71e_90a7_4292,
    0x6000_24f2_d4f9_dd79,
    0x6062_f782_fec7_f901,
    0x622a_4576_2504_d12e,
    0x62c2_148d_8094_1e97,
    0x64b5_9300_9bc7_3af6,
    0x67ea_3cbd_93f2_f225,
    0x6acf_1218_f748_a0db,
    0x6d97_c944_092f_f7c8,
    0x6d9e_f21f_d1da_4113,
    0x6f0b_9ec3_c2ba_c013,
    0x6f59_9184_85a3_80d8,
    0x751c_24ef_5fd2_3b69,
    0x794d_550d_52c0_72f0,
    0x7970_140c_615b_3ec0,
    0x7b77_aea0_ad23_55ed,
    0x7c67_e9fb_08ce_2933,
    0x7d42_0794_3b72_da81,
    0x823b_9319_5ce2_2287,
    0x82f8_11e1_df62_07a8,
    0x8362_747a_db40_c466,
    0x8411_14b2_ba76_8c5b,
    0x848f_685a_d1c0_4405,
    0x858e_5767_30ce_a704,
    0x85b0_5867_30eb_8f1d,
    0x8658_5b78_dafe_862a,
    0x869a_80ef_69c6_6dfc,
    0x8758_7e49_a251_cc1f,
    0x8834_4221_7fbc_98d0,
    0x8905_2e84_3e82_cd4a,
    0x8a0e_3acd_6594_519d,
    0x8aea_fd3d_2d6d_df09,
    0x8b99_ab19_0955_27ea,
    0x8c2c_f10d_a893_6508,
    0x8e94_9f60_aa60_11c1,
    0x8fc7_b5e8_e955_a6d0,
    0x90a5_1287_d079_ae3d,
    0x93cb_debd_aed7_3208,
    0x96b9_a783_b558_336b,
    0x96e1_bc83_b579_a92e,
    0x9983_c19c_ddaf_8c17,
    0x9abe_5f38_c3da_93ea,
    0x9ce4_d572_0e9c_8f65,
    0xa040_d930_428d_9d0b,
    0xa32b_7c50_4384_6d15,
    0xad61_5bab_3714_74a4,
    0xb0e7_ae14_6c2b_1ae1,
    0xb396_9643_c18a_b8db,
    0xb821_0ef9_b628_a07a,
    0xb8c1_d375_c591_328d,
    0xb9e2_3d76_12f1_f318,
    0xbcdc_5e7a_b13b_0979,
    0xbed4_cc0d_c4e4_8700,
    0xbfdc_150c_ec0b_359f,
    0xc3c3_0135_7275_4e05,
    0xc3dc_baef_5459_6d99,
    0xc47b_d9ba_8e2b_cf55,
    0xc9d6_ad0f_3376_27c1,
    0xca0d_c367_5760_7e74,
    0xcc57_6b0a_8c9b_927c,
    0xcd2f_c69b_c6af_fcf3,
    0xcebf_773f_7411_d2cb,
    0xd050_cc80_fbcb_dd55,
    0xd427_466b_9a9d_6936,
    0xd541_6718_fafb_1547,
    0xd5c2_c895_d63e_7948,
    0xd7f3_d914_0ca5_6a3a,
    0xda16_256c_0c04_91a5,
    0xdcb9_7d18_fee0_01bd,
    0xe0f0_c588_62cd_1066,
    0xe41d_0fd8_d5a5_32c9,
    0xe759_ba19_0572_f85a,
    0xe961_3c42_1693_2141,
    0xef56_5c79_16c2_282e,
    0xef8b_99d7_2158_c429,
    0xf5b9_ee19_0cc1_7398,
    0xf6d1_ca0a_ea3d_3b8d,
    0xf93c_89e4_690a_7bcd,
    0xf9d1_5710_4b30_71b9,
];

/// Innocent words that end like an inflected form of a listed one.
const INNOCENT: &[&str] = &["spice", "spiced", "spices", "spicing", "spicer", "titer", "titers"];

/// Whether a word, or the word it was inflected from, is on the list. Case does not matter.
pub fn is_blocked(word: &str) -> bool {
    let word = word.trim_matches('\'').to_ascii_lowercase();
    let listed = |w: &str| BLOCKED.binary_search(&fingerprint(w.as_bytes())).is_ok();
    if listed(&word) {
        return true;
    }
    if INNOCENT.contains(&word.as_str()) {
        return false;
    }
    ["s", "es", "'s", "ed", "d", "er", "ers", "ing", "in'", "ings"]
        .iter()
        .filter_map(|ending| word.strip_suffix(ending))
        .filter(|stem| stem.len() >= 3)
        .any(|stem| {
            let undoubled = stem.len() >= 5 && stem.as_bytes()[stem.len() - 1] == stem.as_bytes()[stem.len() - 2];
            listed(stem) || listed(&format!("{stem}e")) || (undoubled && listed(&stem[..stem.len() - 1]))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_sorted_and_without_repeats() {
        assert!(BLOCKED.windows(2).all(|w| w[0] < w[1]));
        assert!(BLOCKED.len() > 60);
    }

    #[test]
    fn blocks_inflected_forms_and_passes_innocent_words() {
        let vulgar = String::from_utf8(vec![102, 117, 99, 107]).expect("ascii");
        for ending in ["", "s", "ed", "ing", "er"] {
            assert!(is_blocked(&format!("{vulgar}{ending}")));
        }
        for word in [
            "night", "class", "assassin", "grass", "cockpit", "passing", "shitake", "love", "dancing", "hello",
            "spices",
        ] {
            assert!(!is_blocked(word), "{word}");
        }
    }
}
