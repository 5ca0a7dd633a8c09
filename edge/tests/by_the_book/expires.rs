//! How long an answer is fresh by `Expires`, and how it is read (RFC 9111 section 5.3, RFC 9110 section 5.6.7).

use crate::case::*;
use crate::templates::*;

pub fn cases() -> Vec<Case> {
    let mut all = vec![
        optimal("freshness-expires-future", reused(&["Expires: @2592000", "Date: @0"])).needs("freshness-none"),
        required("freshness-expires-present", not_reused_at_once(&["Expires: @0", "Date: @0"])).needs("freshness-none"),
    ];
    let says = |expires: &str| get().says(&format!("~Expires: {expires}")).says("Date: @0");
    let late = |id: &str, expires: &str| optimal(id, [says(expires).pause(), get().cached()]);
    let invalid = |id: &str, expires: &str| required(id, [says(expires), get().fetched()]);
    let rest = [
        required("freshness-expires-past", not_reused(&["Expires: @-2592000", "Date: @0"])),
        required("freshness-expires-old-date", not_reused(&["Expires: @300", "Date: @400"])),
        required("freshness-expires-invalid", [says("0").pause(), get().fetched()]),
        optimal("freshness-expires-invalid-date", reused_at_once(&["~Date: foo", "Expires: @10"])),
        required("freshness-expires-age-slow-date", not_reused_at_once(&["Date: @-10", "Expires: @10", "Age: 25"])),
        required("freshness-expires-age-fast-date", not_reused_at_once(&["Date: @10", "Expires: @20", "Age: 15"])),
        late("freshness-expires-32bit", "Tue, 19 Jan 2038 14:14:08 GMT"),
        late("freshness-expires-far-future", "Sun, 21 Nov 2286 04:46:39 GMT"),
        late("freshness-expires-rfc850", "Thursday, 18-Aug-50 02:01:18 GMT"),
        late("freshness-expires-ansi-c", "Thu Aug  8 02:01:18 2050"),
        late("freshness-expires-wrong-case-weekday", "THU, 18 Aug 2050 02:01:18 GMT"),
        late("freshness-expires-wrong-case-month", "Thu, 18 AUG 2050 02:01:18 GMT"),
        late("freshness-expires-wrong-case-tz", "Thu, 18 Aug 2050 02:01:18 gMT"),
        invalid("freshness-expires-invalid-utc", "Thu, 18 Aug 2050 02:01:18 UTC"),
        invalid("freshness-expires-invalid-aest", "Thu, 18 Aug 2050 02:01:18 AEST"),
        invalid("freshness-expires-invalid-2-digit-year", "Thu, 18 Aug 50 02:01:18 GMT"),
        invalid("freshness-expires-invalid-no-comma", "Thu 18 Aug 2050 02:01:18 GMT"),
        invalid("freshness-expires-invalid-multiple-spaces", "Thu, 18  Aug  2050 02:01:18 GMT"),
        invalid("freshness-expires-invalid-date-dashes", "Thu, 18-Aug-2050 02:01:18 GMT"),
        invalid("freshness-expires-invalid-time-periods", "Thu, 18 Aug 2050 02.01.18 GMT"),
        invalid("freshness-expires-invalid-1-digit-hour", "Thu, 18 Aug 2050 2:01:18 GMT"),
        required(
            "freshness-expires-invalid-multiple-lines",
            not_reused_at_once(&[
                "~Expires: Thu, 18 Aug 2050 2:01:18 GMT",
                "~Expires: Thu, 18 Aug 2050 2:01:19 GMT",
                "Date: @0",
            ]),
        ),
    ];
    all.extend(all_need("freshness-expires-future", rest));
    all
}
