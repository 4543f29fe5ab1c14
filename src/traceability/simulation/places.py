"""Where the season happens: real provinces and towns, and cells of a tenth of a degree around them.

Sites and pits are invented; their positions lie somewhere near the town and mean nothing.
"""

from typing import Any, NamedTuple

from traceability.simulation.chance import Chance


class Place(NamedTuple):
    """A town with its province; `utc` hours ahead of UTC."""

    country: str
    region: str
    region_name: str
    locality: str
    latitude_e7: int
    longitude_e7: int
    utc: int = 1

    @property
    def cell(self) -> str:
        """The 0.1° cell: its south-west corner in tenths of a degree."""
        return f"{self.latitude_e7 // 1_000_000},{self.longitude_e7 // 1_000_000}"

    def near(self, chance: Chance, by: str = "gps") -> dict[str, Any]:
        """A position within some kilometres, as a phone gives it."""
        return {
            "latitude_e7": self.latitude_e7 + chance.randint(-300_000, 300_000),
            "longitude_e7": self.longitude_e7 + chance.randint(-300_000, 300_000),
            "accuracy_m": chance.randint(4, 40),
            "by": by,
        }

    def address(self, street: str | None = None) -> dict[str, str]:
        """A postal address."""
        address = {
            "country": self.country,
            "region": self.region,
            "region_name": self.region_name,
            "locality": self.locality,
        }
        return address if street is None else {**address, "street": street}


BANGUI = Place("CF", "CF-BGF", "Bangui", "Bangui", 43_900_000, 185_600_000)
BERBERATI = Place("CF", "CF-HS", "Mambéré-Kadéï", "Berbérati", 42_600_000, 157_900_000)
CARNOT = Place("CF", "CF-HS", "Mambéré-Kadéï", "Carnot", 49_400_000, 158_600_000)
NOLA = Place("CF", "CF-SE", "Sangha-Mbaéré", "Nola", 35_300_000, 160_500_000)
BODA = Place("CF", "CF-LB", "Lobaye", "Boda", 43_200_000, 174_700_000)
BOUAR = Place("CF", "CF-NM", "Nana-Mambéré", "Bouar", 59_400_000, 156_000_000)
BOZOUM = Place("CF", "CF-OP", "Ouham-Pendé", "Bozoum", 63_200_000, 163_800_000)
BRIA = Place("CF", "CF-HK", "Haute-Kotto", "Bria", 65_400_000, 219_900_000)
BAMBARI = Place("CF", "CF-UK", "Ouaka", "Bambari", 57_600_000, 206_700_000)

BUKAVU = Place("CD", "CD-SK", "Sud-Kivu", "Bukavu", -25_100_000, 288_600_000, 2)
KALEHE = Place("CD", "CD-SK", "Sud-Kivu", "Kalehe", -21_000_000, 289_100_000, 2)
WALUNGU = Place("CD", "CD-SK", "Sud-Kivu", "Walungu", -26_300_000, 286_700_000, 2)
SHABUNDA = Place("CD", "CD-SK", "Sud-Kivu", "Shabunda", -27_000_000, 273_400_000, 2)
MWENGA = Place("CD", "CD-SK", "Sud-Kivu", "Mwenga", -30_400_000, 284_300_000, 2)
GOMA = Place("CD", "CD-NK", "Nord-Kivu", "Goma", -16_800_000, 292_200_000, 2)
KINDU = Place("CD", "CD-MA", "Maniema", "Kindu", -29_500_000, 259_200_000, 2)
KALIMA = Place("CD", "CD-MA", "Maniema", "Kalima", -25_800_000, 264_300_000, 2)
PUNIA = Place("CD", "CD-MA", "Maniema", "Punia", -14_700_000, 264_300_000, 2)
KAILO = Place("CD", "CD-MA", "Maniema", "Kailo", -26_400_000, 261_000_000, 2)
PANGI = Place("CD", "CD-MA", "Maniema", "Pangi", -31_800_000, 266_400_000, 2)
KOLWEZI = Place("CD", "CD-LU", "Lualaba", "Kolwezi", -107_100_000, 254_700_000, 2)
FUNGURUME = Place("CD", "CD-LU", "Lualaba", "Fungurume", -106_200_000, 263_200_000, 2)
LIKASI = Place("CD", "CD-HK", "Haut-Katanga", "Likasi", -109_800_000, 267_300_000, 2)
KAMBOVE = Place("CD", "CD-HK", "Haut-Katanga", "Kambove", -108_700_000, 266_000_000, 2)
WALIKALE = Place("CD", "CD-NK", "Nord-Kivu", "Walikale", -14_200_000, 280_600_000, 2)
LUBERO = Place("CD", "CD-NK", "Nord-Kivu", "Lubero", -1_600_000, 292_400_000, 2)
BUNIA = Place("CD", "CD-IT", "Ituri", "Bunia", 15_700_000, 302_500_000, 2)
MONGBWALU = Place("CD", "CD-IT", "Ituri", "Mongbwalu", 19_400_000, 300_300_000, 2)
MAMBASA = Place("CD", "CD-IT", "Ituri", "Mambasa", 13_600_000, 290_500_000, 2)
TSHIKAPA = Place("CD", "CD-KS", "Kasaï", "Tshikapa", -64_200_000, 207_900_000)
LUEBO = Place("CD", "CD-KS", "Kasaï", "Luebo", -53_500_000, 214_200_000)
MBUJI_MAYI = Place("CD", "CD-KE", "Kasaï-Oriental", "Mbuji-Mayi", -61_200_000, 236_000_000, 2)

KIGALI = Place("RW", "RW-01", "Ville de Kigali", "Kigali", -19_500_000, 300_600_000, 2)
RWAMAGANA = Place("RW", "RW-02", "Est", "Rwamagana", -19_490_000, 304_350_000, 2)
RULINDO = Place("RW", "RW-03", "Nord", "Rulindo", -17_300_000, 299_900_000, 2)
GAKENKE = Place("RW", "RW-03", "Nord", "Gakenke", -16_900_000, 297_800_000, 2)
NGORORERO = Place("RW", "RW-04", "Ouest", "Ngororero", -18_600_000, 296_200_000, 2)
MUHANGA = Place("RW", "RW-05", "Sud", "Muhanga", -20_800_000, 297_500_000, 2)
BURERA = Place("RW", "RW-03", "Nord", "Burera", -14_700_000, 298_300_000, 2)
KAYONZA = Place("RW", "RW-02", "Est", "Kayonza", -18_500_000, 306_500_000, 2)

ANTWERP = Place("BE", "BE-VAN", "Antwerpen", "Antwerpen", 512_200_000, 44_000_000, 1)
BUTTERWORTH = Place("MY", "MY-07", "Pulau Pinang", "Butterworth", 54_000_000, 1_003_600_000, 8)
DUBAI = Place("AE", "AE-DU", "Dubayy", "Dubai", 252_700_000, 553_000_000, 4)
GOSLAR = Place("DE", "DE-NI", "Niedersachsen", "Goslar", 519_100_000, 104_300_000, 1)
LINZ = Place("AT", "AT-4", "Oberösterreich", "Linz", 483_100_000, 142_900_000, 1)
KOKKOLA = Place("FI", "FI-07", "Keski-Pohjanmaa", "Kokkola", 638_400_000, 231_300_000, 2)
IDAR = Place("DE", "DE-RP", "Rheinland-Pfalz", "Idar-Oberstein", 497_100_000, 73_100_000, 1)

TOWNS: dict[str, tuple[Place, ...]] = {
    "CF": (BERBERATI, CARNOT, NOLA, BODA, BOUAR, BOZOUM, BRIA, BAMBARI),
    "CD-SK": (KALEHE, WALUNGU, SHABUNDA, MWENGA),
    "CD-NK": (KALEHE, WALIKALE, LUBERO),
    "CD-MA": (KALIMA, PUNIA, KAILO, PANGI),
    "CD-LU": (FUNGURUME, KAMBOVE, LIKASI),
    "CD-IT": (MONGBWALU, MAMBASA),
    "CD-KS": (LUEBO, MBUJI_MAYI),
    "RW": (RULINDO, GAKENKE, NGORORERO, MUHANGA, RWAMAGANA),
    "RW-W": (BURERA, RULINDO, KAYONZA),
}
"""Towns near which there may be sites."""
