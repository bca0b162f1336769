//! What the nation is made from: people of each province, and the figures of known systems.

/// A province as the table of the nation has it.
pub(super) struct Province {
    /// GB/T 2260, such as 520000.
    pub adcode: u32,
    /// Name as in the table of regions.
    pub name: &'static str,
    /// Name of its trunk, its routes and its file.
    pub label: &'static str,
    /// People by the census of 2020, ten thousands: the weight by which seats are shared out.
    pub people: u32,
}

const fn province(adcode: u32, name: &'static str, label: &'static str, people: u32) -> Province {
    Province {
        adcode,
        name,
        label,
        people,
    }
}

/// All of them, by code.
pub(super) const PROVINCES: [Province; 31] = [
    province(110_000, "北京", "beijing", 2189),
    province(120_000, "天津", "tianjin", 1387),
    province(130_000, "河北", "hebei", 7461),
    province(140_000, "山西", "shanxi", 3492),
    province(150_000, "内蒙古", "neimenggu", 2405),
    province(210_000, "辽宁", "liaoning", 4259),
    province(220_000, "吉林", "jilin", 2407),
    province(230_000, "黑龙江", "heilongjiang", 3185),
    province(310_000, "上海", "shanghai", 2487),
    province(320_000, "江苏", "jiangsu", 8475),
    province(330_000, "浙江", "zhejiang", 6457),
    province(340_000, "安徽", "anhui", 6103),
    province(350_000, "福建", "fujian", 4154),
    province(360_000, "江西", "jiangxi", 4519),
    province(370_000, "山东", "shandong", 10_153),
    province(410_000, "河南", "henan", 9937),
    province(420_000, "湖北", "hubei", 5775),
    province(430_000, "湖南", "hunan", 6644),
    province(440_000, "广东", "guangdong", 12_601),
    province(450_000, "广西", "guangxi", 5013),
    province(460_000, "海南", "hainan", 1008),
    province(500_000, "重庆", "chongqing", 3205),
    province(510_000, "四川", "sichuan", 8367),
    province(520_000, "贵州", "guizhou", 3856),
    province(530_000, "云南", "yunnan", 4721),
    province(540_000, "西藏", "xizang", 365),
    province(610_000, "陕西", "shaanxi", 3953),
    province(620_000, "甘肃", "gansu", 2502),
    province(630_000, "青海", "qinghai", 592),
    province(640_000, "宁夏", "ningxia", 720),
    province(650_000, "新疆", "xinjiang", 2585),
];

/// A pool of which the figures are known: its seats, and hours with lines.
pub(super) struct Known {
    /// GB/T 2260 of the city, or of the province for its own pool.
    pub adcode: u32,
    pub seats: u32,
    pub shifts: &'static [(&'static str, u32)],
}

const fn known(adcode: u32, seats: u32, shifts: &'static [(&'static str, u32)]) -> Known {
    Known {
        adcode,
        seats,
        shifts,
    }
}

/// Beijing: 17 seats, 9 lines by day and 2 by night. Guizhou: 23 seats. Shanghai: 6 seats by day,
/// more by night (how many is an example). As their own files have them.
pub(super) const KNOWN: [Known; 9] = [
    known(110_000, 17, &[("08:00-18:00", 9), ("18:00-08:00", 2)]),
    known(
        310_000,
        12,
        &[
            ("08:00-18:00", 6),
            ("18:00-22:00", 8),
            ("22:00-02:00", 10),
            ("02:00-08:00", 4),
        ],
    ),
    known(520_000, 5, &[("08:00-20:00", 5), ("20:00-02:00", 3)]),
    known(520_100, 4, &[("08:00-18:00", 4), ("18:00-08:00", 2)]),
    known(520_200, 2, &[("00:00-24:00", 2)]),
    known(520_400, 3, &[("08:00-18:00", 3)]),
    known(520_500, 2, &[("08:00-18:00", 2)]),
    known(520_600, 2, &[("08:00-18:00", 2)]),
    known(522_700, 5, &[("08:00-18:00", 5)]),
];

/// Trained counsellors of Beijing; everywhere else there are [`COUNSELLORS_OF_FOUR_SEATS`].
pub(super) const COUNSELLORS_OF_BEIJING: u32 = 327;
/// So that the nation has nearly 8,000.
pub(super) const COUNSELLORS_OF_FOUR_SEATS: u32 = 31;
/// Seats of the nation.
pub(super) const SEATS: u32 = 1000;
/// No province has fewer.
pub(super) const FEWEST: u32 = 8;

/// Capitals that another province's city stands in for: an example, after the partnership of
/// provinces of east and west.
pub(super) const PARTNERS: [(u32, u32); 10] = [
    (150_100, 110_000),
    (450_100, 440_100),
    (500_000, 370_100),
    (510_100, 330_100),
    (520_100, 440_100),
    (530_100, 310_000),
    (610_100, 320_100),
    (620_100, 120_000),
    (630_100, 320_100),
    (640_100, 350_100),
];

/// A number that people knew before 12356 and still dial.
pub(super) struct Old {
    /// GB/T 2260 of the city that answers it; the first four or two digits are its province's.
    pub adcode: u32,
    /// As the table has it, with the area code unless it is dialled without one.
    pub number: &'static str,
    /// Name in the metrics.
    pub label: &'static str,
}

const fn old(adcode: u32, number: &'static str, label: &'static str) -> Old {
    Old {
        adcode,
        number,
        label,
    }
}

/// Old numbers that the press names, of hotlines that now answer 12356 too. A short one is dialled without its
/// area code in its own city and with it from elsewhere, so it is there twice.
pub(super) const OLD: [Old; 7] = [
    old(110_000, "8008101117", "beijing-old-free"),
    old(110_000, "01082951332", "beijing-old"),
    old(310_000, "962525", "shanghai-old"),
    old(310_000, "021962525", "shanghai-old-far"),
    old(411_600, "03948368120", "zhoukou-old"),
    old(442_000, "076088884120", "zhongshan-old"),
    old(620_500, "09388221199", "tianshui-old"),
];
