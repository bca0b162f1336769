//! The words of the files.

use super::share::{LENT, Pool, Province, name_of, summary};
use std::fmt::Write as _;

const MAIN: &str = include_str!("main.toml.in");
const DEFAULT: &str = include_str!("default.toml.in");

/// The route of everything that no other one takes; its file is the last.
pub(super) fn default() -> &'static str {
    DEFAULT
}

/// What holds for all provinces.
pub(super) fn main(provinces: &[Province]) -> String {
    let lent = provinces
        .iter()
        .flat_map(|it| &it.pools)
        .filter(|pool| pool.lends)
        .count();
    let lent = u32::try_from(lent).unwrap_or(0) * LENT;
    MAIN.replace("@FIGURES@", &summary_zh(provinces))
        .replace("@LENT@", &lent.to_string())
        .replace("@NIGHT@", &(lent / 2).to_string())
}

fn summary_zh(provinces: &[Province]) -> String {
    let words = summary(provinces);
    let figures = words
        .split(|c: char| !c.is_ascii_digit())
        .filter(|it| !it.is_empty());
    let units = ["个省", "个坐席组", "个坐席", "条线路", "名咨询员"];
    let parts: Vec<String> = figures
        .zip(units)
        .map(|(figure, unit)| format!("{figure} {unit}"))
        .collect();
    parts.join("，")
}

/// One province; `number` from 1, for the address of its trunk.
pub(super) fn province(province: &Province, number: usize) -> String {
    let facts = province.facts;
    let (name, label, adcode) = (facts.name, facts.label, facts.adcode);
    let seats = province.seats();
    let mut out = format!(
        "# {name}：{seats} 个坐席，{} 个坐席组。写法见 main.toml。\n\
         # 坐席组、坐席、咨询员的名字是行政区划代码（GB/T 2260），title 是给人看的。\n\n",
        province.pools.len()
    );
    trunk(&mut out, province, number);
    for pool in &province.pools {
        self::pool(&mut out, pool);
    }
    out.push_str("# ───────────── 地区 ─────────────\n\n");
    areas(&mut out, province);
    let called = old_numbers(&mut out, province);
    let old = if called.is_empty() {
        ""
    } else {
        "或老号码"
    };
    let _ = write!(
        out,
        "# ───────────── 路由 ─────────────\n\n\
         # 从本省中继来、看得出在本省哪里的：先找本市。\n\
         [[routes]]\n\
         name = \"{label}\"\n\
         title = \"{name}\"\n\
         trunks = [\"{label}\"]\n\
         provinces = [\"{name}\"]\n\
         then = \"place\"\n\n\
         # 从本省中继拨 12356 {old}不加区号，号码是外省的或不明的：人在本省，由{}接。\n\
         [[routes]]\n\
         name = \"{label}-here\"\n\
         title = \"在{name}拨 12356\"\n\
         trunks = [\"{label}\"]\n\
         called = [\"12356\"{called}]\n\
         rings = [\"{adcode}\", {{ pool = \"@nation\", after = \"12s\" }}]\n",
        province.pools[0].title
    );
    out
}

/// The old numbers; returns them as further numbers of a list.
fn old_numbers(out: &mut String, province: &Province) -> String {
    let mut called = String::new();
    for (at, old) in province.old_numbers().enumerate() {
        if at == 0 {
            out.push_str(
                "# 过渡期里老号码仍然有人拨：当作拨了该市的 12356，记录和指标里分得开。\n",
            );
        }
        let _ = write!(
            out,
            "[[aliases]]\nnumber = \"{}\"\nname = \"{}\"\ncity = \"{}\"             # {}\n\n",
            old.number,
            old.label,
            old.adcode,
            name_of(old.adcode)
        );
        let _ = write!(called, ", \"{}\"", old.number);
    }
    called
}

fn trunk(out: &mut String, province: &Province, number: usize) {
    let label = province.facts.label;
    let municipal = province
        .cities
        .iter()
        .find(|city| city.adcode == province.facts.adcode);
    let _ = write!(
        out,
        "[[trunks]]\n\
         name = \"{label}\"\n\
         peers = [\"127.0.1.{number}\"]\n\
         out = \"127.0.1.{number}:5080\"\n\
         answer = \"on_seat\"\n\
         early = \"progress\"\n\
         answer_after = \"50s\"\n\
         outgoing_number = \"12356\"\n\
         trust = [\"asserted\", \"diversion\", \"history\", \"cell\"]\n"
    );
    if let Some(city) = municipal {
        let _ = writeln!(out, "area_code = \"{}\"", city.code);
    }
    out.push('\n');
}

fn pool(out: &mut String, pool: &Pool) {
    let Pool {
        adcode,
        title,
        seats,
        shifts,
        lends,
    } = pool;
    let _ = write!(
        out,
        "# ───────────── {title}：{seats} 个坐席 ─────────────\n\n"
    );
    let shifts: Vec<String> = shifts
        .iter()
        .map(|(hours, lines)| format!("{{ hours = \"{hours}\", lines = {lines} }}"))
        .collect();
    let _ = write!(
        out,
        "[[pools]]\nname = \"{adcode}\"\ntitle = \"{title}\"\nshifts = [{}]\n\n",
        shifts.join(", ")
    );
    let alone = if *lends { seats - LENT } else { *seats };
    seats_of(out, pool, 1, alone, &format!("\"{adcode}\""));
    if *lends {
        seats_of(
            out,
            pool,
            alone + 1,
            *seats,
            &format!("\"{adcode}\", \"nation\""),
        );
    }
    // A third of the counsellors knows how to deal with a crisis.
    let people = pool.people();
    let crisis = people.div_ceil(3);
    let institution = institution(pool);
    let groups = [
        (
            1,
            crisis,
            "female",
            "{ \"危机\" = 4, \"未成年人\" = 3 }",
            "精神科医师",
        ),
        (crisis + 1, people, "male", "{ \"方言\" = 3 }", "心理治疗师"),
    ];
    for (first, last, gender, skills, qualification) in groups {
        let _ = write!(
            out,
            "[[counsellors]]\n\
             account = \"{adcode}-{{{first:03}..{last:03}}}\"\n\
             title = \"{title}咨询员 {{n}}\"\n\
             pin = \"{adcode}{{n}}\"\n\
             institution = \"{institution}\"\n\
             gender = \"{gender}\"\n\
             skills = {skills}\n\
             qualification = {{ name = \"{qualification}\", expires = 2028-12-31 }}\n\
             seats = [\"{adcode}-{{01..{seats:02}}}\"]\n\n"
        );
    }
}

fn institution(pool: &Pool) -> String {
    let place = pool.title.trim_end_matches("省级");
    format!("{place}心理援助热线")
}

fn seats_of(out: &mut String, pool: &Pool, first: u32, last: u32, pools: &str) {
    let Pool { adcode, title, .. } = pool;
    let _ = write!(
        out,
        "[[seats]]\n\
         name = \"{adcode}-{{{first:02}..{last:02}}}\"\n\
         title = \"{title} {{n}} 号\"\n\
         password = \"example-{adcode}-{{n}}\"\n\
         pools = [{pools}]\n\n"
    );
}

fn areas(out: &mut String, province: &Province) {
    let facts = province.facts;
    let _ = write!(
        out,
        "[[areas]]\nprovince = \"{}\"\npools = [\"{}\"]\n\n",
        facts.name, facts.adcode
    );
    for city in province
        .cities
        .iter()
        .filter(|city| province.has_own(city.adcode))
    {
        let (name, adcode) = (city.name, city.adcode);
        // The code never means two places, as a name may.
        let _ = write!(
            out,
            "[[areas]]\ncity = \"{adcode}\"             # {name}\npools = [\"{adcode}\"]\n"
        );
        if let Some(paired) = province.paired(adcode) {
            let _ = writeln!(out, "paired = [\"{paired}\"]         # {}", name_of(paired));
        }
        out.push('\n');
    }
    let without: Vec<&str> = province
        .cities
        .iter()
        .filter(|city| !province.has_own(city.adcode))
        .map(|city| city.name)
        .collect();
    if !without.is_empty() {
        let _ = write!(
            out,
            "# 没有自己的线路，由省级接：{}。\n\n",
            without.join("、")
        );
    }
    for (code, cities) in province.shared_codes() {
        let names: Vec<&str> = cities.iter().map(|city| city.name).collect();
        let mut pools: Vec<String> = Vec::new();
        for city in &cities {
            let pool = format!("\"{}\"", province.pool_of(city.adcode).adcode);
            if !pools.contains(&pool) {
                pools.push(pool);
            }
        }
        let _ = write!(
            out,
            "# {} 合用 {code}，分不清时一起接。\n[[areas]]\ncode = \"{code}\"\npools = [{}]\n\n",
            names.join("、"),
            pools.join(", ")
        );
    }
}
