//! Cells of a table that a spreadsheet opens.

/// How a text begins that a spreadsheet would compute.
const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

/// A text as a cell that stays text.
pub(super) fn guarded(text: &str) -> String {
    if text.starts_with(FORMULA) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// A row of comma-separated values (RFC 4180), with its line end.
pub(super) fn row<'a>(cells: impl IntoIterator<Item = &'a str>) -> String {
    let quoted = |cell: &str| {
        let cell = guarded(cell);
        if cell.contains([',', '"', '\n', '\r']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            cell
        }
    };
    let cells: Vec<String> = cells.into_iter().map(quoted).collect();
    cells.join(",") + "\r\n"
}

#[cfg(test)]
mod tests {
    //! Cells.

    use super::*;

    #[test]
    fn what_a_spreadsheet_would_compute_is_text() {
        for bad in ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"] {
            assert_eq!(guarded(bad), format!("'{bad}"));
        }
        for plain in ["", "A-1001", "a=b", " =1", "approved"] {
            assert_eq!(guarded(plain), plain);
        }
    }

    #[test]
    fn cells_are_quoted_where_they_must_be() {
        let cells = ["a", "b,c", "say \"x\"", "two\nlines", "=cmd|' /C calc'!A0"];
        let wanted = "a,\"b,c\",\"say \"\"x\"\"\",\"two\nlines\",'=cmd|' /C calc'!A0\r\n";
        assert_eq!(row(cells), wanted);
    }
}
