//! Amounts as people write them in manifests.

/// `90s`, `10m`, `6h`, `1d`: seconds in the largest unit that says them exactly.
pub fn duration_text(seconds: u64) -> String {
    let units = [(86_400, "d"), (3_600, "h"), (60, "m")];
    let unit = units.into_iter().find(|(unit, _)| seconds > 0 && seconds.is_multiple_of(*unit));
    unit.map_or_else(|| format!("{seconds}s"), |(unit, name)| format!("{}{name}", seconds / unit))
}

/// `512Mi`, `2Gi`: bytes in the largest unit that says them exactly.
pub fn size_text(bytes: u64) -> String {
    let units = [(1 << 30, "Gi"), (1 << 20, "Mi"), (1 << 10, "Ki")];
    let unit = units.into_iter().find(|(unit, _)| bytes > 0 && bytes.is_multiple_of(*unit));
    unit.map_or_else(|| bytes.to_string(), |(unit, name)| format!("{}{name}", bytes / unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_exact_unit_is_taken() {
        let seconds = [0, 90, 600, 21_600, 86_400].map(duration_text);
        assert_eq!(seconds, ["0s", "90s", "10m", "6h", "1d"]);
        let bytes = [0, 1_000, 512 << 20, 2 << 30].map(size_text);
        assert_eq!(bytes, ["0", "1000", "512Mi", "2Gi"]);
    }
}
