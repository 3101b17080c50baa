#include "connectors/generate/transliterate.h"

#include "base/attr.h"
#include "base/utf8.h"

#include <ctype.h>

struct row {
    uint32_t code_point;
    const char *ascii;
};

/* Letters of the data that are not ASCII, sorted. Cyrillic as in Ukrainian and Serbian, Persian by
 * its written letters. */
static const struct row rows[] = {
    {0x00c0, "a"},  {0x00c1, "a"},    {0x00c2, "a"},  {0x00c3, "a"},    {0x00c4, "a"},
    {0x00c5, "a"},  {0x00c6, "ae"},   {0x00c7, "c"},  {0x00c8, "e"},    {0x00c9, "e"},
    {0x00ca, "e"},  {0x00cb, "e"},    {0x00cc, "i"},  {0x00cd, "i"},    {0x00ce, "i"},
    {0x00cf, "i"},  {0x00d1, "n"},    {0x00d2, "o"},  {0x00d3, "o"},    {0x00d4, "o"},
    {0x00d5, "o"},  {0x00d6, "o"},    {0x00d8, "o"},  {0x00d9, "u"},    {0x00da, "u"},
    {0x00db, "u"},  {0x00dc, "u"},    {0x00dd, "y"},  {0x00de, "th"},   {0x00df, "ss"},
    {0x00e0, "a"},  {0x00e1, "a"},    {0x00e2, "a"},  {0x00e3, "a"},    {0x00e4, "a"},
    {0x00e5, "a"},  {0x00e6, "ae"},   {0x00e7, "c"},  {0x00e8, "e"},    {0x00e9, "e"},
    {0x00ea, "e"},  {0x00eb, "e"},    {0x00ec, "i"},  {0x00ed, "i"},    {0x00ee, "i"},
    {0x00ef, "i"},  {0x00f1, "n"},    {0x00f2, "o"},  {0x00f3, "o"},    {0x00f4, "o"},
    {0x00f5, "o"},  {0x00f6, "o"},    {0x00f8, "o"},  {0x00f9, "u"},    {0x00fa, "u"},
    {0x00fb, "u"},  {0x00fc, "u"},    {0x00fd, "y"},  {0x00fe, "th"},   {0x00ff, "y"},
    {0x0100, "a"},  {0x0101, "a"},    {0x0102, "a"},  {0x0103, "a"},    {0x0106, "c"},
    {0x0107, "c"},  {0x010c, "c"},    {0x010d, "c"},  {0x010e, "d"},    {0x010f, "d"},
    {0x0110, "d"},  {0x0111, "d"},    {0x0112, "e"},  {0x0113, "e"},    {0x0118, "e"},
    {0x0119, "e"},  {0x011e, "g"},    {0x011f, "g"},  {0x0122, "g"},    {0x0123, "g"},
    {0x012a, "i"},  {0x012b, "i"},    {0x0130, "i"},  {0x0131, "i"},    {0x0141, "l"},
    {0x0142, "l"},  {0x0143, "n"},    {0x0144, "n"},  {0x014c, "o"},    {0x014d, "o"},
    {0x0152, "oe"}, {0x0153, "oe"},   {0x015a, "s"},  {0x015b, "s"},    {0x015e, "s"},
    {0x015f, "s"},  {0x0160, "s"},    {0x0161, "s"},  {0x016a, "u"},    {0x016b, "u"},
    {0x016e, "u"},  {0x016f, "u"},    {0x0178, "y"},  {0x0179, "z"},    {0x017a, "z"},
    {0x017b, "z"},  {0x017c, "z"},    {0x017d, "z"},  {0x017e, "z"},    {0x0402, "dj"},
    {0x0404, "ye"}, {0x0406, "i"},    {0x0407, "yi"}, {0x0408, "j"},    {0x0409, "lj"},
    {0x040a, "nj"}, {0x040b, "c"},    {0x040f, "dz"}, {0x0410, "a"},    {0x0411, "b"},
    {0x0412, "v"},  {0x0413, "g"},    {0x0414, "d"},  {0x0415, "e"},    {0x0416, "zh"},
    {0x0417, "z"},  {0x0418, "i"},    {0x0419, "y"},  {0x041a, "k"},    {0x041b, "l"},
    {0x041c, "m"},  {0x041d, "n"},    {0x041e, "o"},  {0x041f, "p"},    {0x0420, "r"},
    {0x0421, "s"},  {0x0422, "t"},    {0x0423, "u"},  {0x0424, "f"},    {0x0425, "h"},
    {0x0426, "ts"}, {0x0427, "ch"},   {0x0428, "sh"}, {0x0429, "shch"}, {0x042e, "yu"},
    {0x042f, "ya"}, {0x0430, "a"},    {0x0431, "b"},  {0x0432, "v"},    {0x0433, "g"},
    {0x0434, "d"},  {0x0435, "e"},    {0x0436, "zh"}, {0x0437, "z"},    {0x0438, "i"},
    {0x0439, "y"},  {0x043a, "k"},    {0x043b, "l"},  {0x043c, "m"},    {0x043d, "n"},
    {0x043e, "o"},  {0x043f, "p"},    {0x0440, "r"},  {0x0441, "s"},    {0x0442, "t"},
    {0x0443, "u"},  {0x0444, "f"},    {0x0445, "h"},  {0x0446, "ts"},   {0x0447, "ch"},
    {0x0448, "sh"}, {0x0449, "shch"}, {0x044e, "yu"}, {0x044f, "ya"},   {0x0452, "dj"},
    {0x0454, "ye"}, {0x0456, "i"},    {0x0457, "yi"}, {0x0458, "j"},    {0x0459, "lj"},
    {0x045a, "nj"}, {0x045b, "c"},    {0x045f, "dz"}, {0x0490, "g"},    {0x0491, "g"},
    {0x0622, "a"},  {0x0626, "y"},    {0x0627, "a"},  {0x0628, "b"},    {0x062a, "t"},
    {0x062b, "th"}, {0x062c, "j"},    {0x062d, "h"},  {0x062e, "kh"},   {0x062f, "d"},
    {0x0630, "dh"}, {0x0631, "r"},    {0x0632, "z"},  {0x0633, "s"},    {0x0634, "sh"},
    {0x0635, "s"},  {0x0636, "d"},    {0x0637, "t"},  {0x0638, "z"},    {0x0639, "a"},
    {0x063a, "gh"}, {0x0641, "f"},    {0x0642, "q"},  {0x0644, "l"},    {0x0645, "m"},
    {0x0646, "n"},  {0x0647, "h"},    {0x0648, "w"},  {0x067e, "p"},    {0x0686, "ch"},
    {0x0698, "zh"}, {0x06a9, "k"},    {0x06af, "g"},  {0x06cc, "y"},
};

static const char *ascii_of(uint32_t code_point)
{
    size_t low = 0;
    size_t high = ARRAY_SIZE(rows);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (rows[middle].code_point < code_point) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < ARRAY_SIZE(rows) && rows[low].code_point == code_point ? rows[low].ascii : "";
}

void transliterate(struct buffer *target, struct slice text)
{
    while (text.size > 0) {
        uint32_t code_point = 0;
        size_t size = utf8_decode(text.data, text.size, &code_point);
        if (size == 1 && code_point > ' ') {
            buffer_append_byte(target, (uint8_t) tolower((int) code_point));
        } else if (size > 1) {
            buffer_append_string(target, ascii_of(code_point));
        }
        size = size == 0 ? 1 : size;
        text = slice_of(text.data + size, text.size - size);
    }
}
