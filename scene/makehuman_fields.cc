#include "scene/makehuman_fields.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

namespace likeness::scene {
namespace {

constexpr std::int32_t kNoseTip = 294;
constexpr std::int32_t kUpperLip = 537, kLowerLip = 540;  // middle of each lip, on the seam with the inner mouth
constexpr std::int32_t kCornerLeft = 7272, kCornerRight = 527;

// Half the nose's width (dm) at heights (dm) of the base mesh; negative: no nose.
struct Width {
  float y, half;
};
constexpr std::array<Width, 12> kNose = {{{6.74F, -0.30F},
                                          {6.775F, -0.02F},
                                          {6.80F, 0.09F},
                                          {6.825F, 0.165F},
                                          {6.87F, 0.205F},
                                          {6.95F, 0.19F},
                                          {7.05F, 0.135F},
                                          {7.15F, 0.105F},
                                          {7.28F, 0.085F},
                                          {7.36F, 0.06F},
                                          {7.42F, 0.0F},
                                          {7.50F, -0.10F}}};

float nose_half_width(float y) {
  if (y <= kNose.front().y) return kNose.front().half;
  for (std::size_t i = 1; i < kNose.size(); ++i) {
    if (y > kNose[i].y) continue;
    const float t = (y - kNose[i - 1].y) / (kNose[i].y - kNose[i - 1].y);
    return kNose[i - 1].half + t * (kNose[i].half - kNose[i - 1].half);
  }
  return kNose.back().half;
}

using Neighbours = std::map<std::int32_t, std::set<std::int32_t>>;

void connect(Neighbours& graph, std::int32_t a, std::int32_t b) {
  if (a == b) return;
  graph[a].insert(b);
  graph[b].insert(a);
}

// Everything reachable from `start` without entering `walls`.
std::set<std::int32_t> reach(const Neighbours& graph, std::int32_t start, const std::set<std::int32_t>& walls) {
  std::set<std::int32_t> seen = {start};
  std::vector<std::int32_t> open = {start};
  while (!open.empty()) {
    const std::int32_t v = open.back();
    open.pop_back();
    const auto found = graph.find(v);
    if (found == graph.end()) continue;
    for (const std::int32_t n : found->second) {
      if (walls.count(n) == 0 && seen.insert(n).second) open.push_back(n);
    }
  }
  return seen;
}

void ear_field(const SourceTargets& targets, std::vector<LabelFields>* fields) {
  for (const char* name : {"ears/l-ear-trans-depth-forward", "ears/r-ear-trans-depth-forward"}) {
    const std::vector<std::int16_t> delta = targets.read(name);
    std::vector<float> length(fields->size());
    for (std::size_t v = 0; v < length.size(); ++v)
      length[v] = std::hypot(static_cast<float>(delta[3 * v]), static_cast<float>(delta[3 * v + 1]), static_cast<float>(delta[3 * v + 2]));
    const float most = std::max(1.0F, *std::max_element(length.begin(), length.end()));
    for (std::size_t v = 0; v < length.size(); ++v) (*fields)[v].ear = std::max((*fields)[v].ear, length[v] / most);
  }
}

// Rings of head vertices around the seam between the lips, and on which lip's side each lies.
Status lip_fields(const Neighbours& head, const Neighbours& seam, std::vector<LabelFields>* fields) {
  const std::set<std::int32_t> corners = {kCornerLeft, kCornerRight};
  for (const std::int32_t v : {kUpperLip, kLowerLip, kCornerLeft, kCornerRight}) {
    if (seam.count(v) == 0) return {Code::corrupt_scene, "the base mesh is not MakeHuman's: no lips where they should be"};
  }
  const std::set<std::int32_t> upper = reach(seam, kUpperLip, corners);
  if (upper.count(kLowerLip) != 0) return {Code::corrupt_scene, "the base mesh is not MakeHuman's: the lips' seam is not a loop"};
  std::vector<std::int32_t> ring;
  for (const auto& entry : seam) {
    ring.push_back(entry.first);
    LabelFields& f = (*fields)[static_cast<std::size_t>(entry.first)];
    f.lip = 0;
    f.upper = corners.count(entry.first) != 0 ? 0.0F : upper.count(entry.first) != 0 ? 1.0F : -1.0F;
  }
  for (int distance = 1; !ring.empty(); ++distance) {
    std::map<std::int32_t, std::pair<float, int>> next;  // sum and number of the sides that the previous ring gives
    for (const std::int32_t v : ring) {
      for (const std::int32_t n : head.at(v)) {
        if ((*fields)[static_cast<std::size_t>(n)].lip < 99) continue;
        auto& [sum, count] = next[n];
        sum += (*fields)[static_cast<std::size_t>(v)].upper;
        ++count;
      }
    }
    ring.clear();
    for (const auto& [v, side] : next) {
      LabelFields& f = (*fields)[static_cast<std::size_t>(v)];
      f.lip = std::min(static_cast<float>(distance), 98.0F);
      f.upper = side.first / static_cast<float>(side.second);
      ring.push_back(v);
    }
  }
  return Status::success();
}

}  // namespace

std::vector<Region> classify_faces(const SourceMesh& base) {
  std::vector<std::int32_t> parent(base.uv.size());
  std::iota(parent.begin(), parent.end(), 0);
  const auto find = [&](std::int32_t v) {
    while (parent[static_cast<std::size_t>(v)] != v)
      v = parent[static_cast<std::size_t>(v)] = parent[static_cast<std::size_t>(parent[static_cast<std::size_t>(v)])];
    return v;
  };
  for (const SourceFace& face : base.face) {
    for (const std::int32_t uv : face.uv) parent[static_cast<std::size_t>(find(uv))] = find(face.uv[0]);
  }
  struct Box {
    float low_y = 1e9F, side = 0;
    bool nose = false;
  };
  std::map<std::int32_t, Box> boxes;
  for (const SourceFace& face : base.face) {
    Box& box = boxes[find(face.uv[0])];
    for (const std::int32_t v : face.vertex) {
      const Vec3& p = base.position[static_cast<std::size_t>(v)];
      box.low_y = std::min(box.low_y, p[1]);
      box.side = std::max(box.side, std::abs(p[0]));
      box.nose = box.nose || v == kNoseTip;
    }
  }
  std::vector<Region> region;
  region.reserve(base.face.size());
  for (const SourceFace& face : base.face) {
    const Box& box = boxes[find(face.uv[0])];
    if (box.nose) {
      region.push_back(Region::head);
    } else if (box.low_y > 6.0F && box.side < 0.6F) {  // small islands inside the head
      region.push_back(box.low_y > 7.0F ? Region::eye_socket : Region::mouth_interior);
    } else {
      region.push_back(Region::body);
    }
  }
  return region;
}

Result<std::vector<LabelFields>> label_fields(const SourceMesh& base, const std::vector<Region>& region, const SourceTargets& targets) {
  std::vector<LabelFields> fields(base.position.size());
  ear_field(targets, &fields);
  Neighbours head;
  std::map<std::pair<std::int32_t, std::int32_t>, int> edge_kinds;  // bit 0: a head face has the edge, bit 1: the inner mouth
  std::set<std::int32_t> front;
  for (std::size_t i = 0; i < base.face.size(); ++i) {
    const SourceFace& face = base.face[i];
    if (face.material != 0 || (region[i] != Region::head && region[i] != Region::mouth_interior)) continue;
    const auto sides = static_cast<std::size_t>(face.sides);
    for (std::size_t k = 0; k < sides; ++k) {
      const std::int32_t a = face.vertex[k], b = face.vertex[(k + 1) % sides];
      edge_kinds[{std::min(a, b), std::max(a, b)}] |= region[i] == Region::head ? 1 : 2;
      if (region[i] == Region::head) {
        connect(head, a, b);
        front.insert(a);
      }
    }
  }
  Neighbours seam;
  for (const auto& [edge, kinds] : edge_kinds) {
    if (kinds == 3) connect(seam, edge.first, edge.second);
  }
  if (Status status = lip_fields(head, seam, &fields); !status.ok()) return status;
  for (const std::int32_t v : front) {
    const Vec3& p = base.position[static_cast<std::size_t>(v)];
    // Only the front of the head: the field is a profile over height and would hold at the back, too.
    if (p[2] > 1.2F) fields[static_cast<std::size_t>(v)].nose = std::max(-1.0F, nose_half_width(p[1]) - std::abs(p[0]));
  }
  return fields;
}

}  // namespace likeness::scene
