// A ROS 2 camera and listener on eProsima Fast DDS and Fast CDR: another vendor's end of the wire. On 127.0.0.1 only.
//
//     ROS_DOMAIN_ID=87 fastdds_peer FRAMES WIDTH HEIGHT HZ best_effort|reliable FRAME_ID
//
// Publishes the frames of a file of raw rgb8 in turn on /camera/image_raw, stamped with its own clock, and each line of
// its standard input as a std_msgs/String on /regionclip/prompts, until that input ends. Prints a line of JSON for the
// header of each image and for each message on /regionclip/detections and /regionclip/label_info.

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iomanip>
#include <iostream>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fastcdr/Cdr.h>
#include <fastdds/dds/domain/DomainParticipant.hpp>
#include <fastdds/dds/domain/DomainParticipantFactory.hpp>
#include <fastdds/dds/publisher/DataWriter.hpp>
#include <fastdds/dds/publisher/Publisher.hpp>
#include <fastdds/dds/subscriber/DataReader.hpp>
#include <fastdds/dds/subscriber/DataReaderListener.hpp>
#include <fastdds/dds/subscriber/SampleInfo.hpp>
#include <fastdds/dds/subscriber/Subscriber.hpp>
#include <fastdds/rtps/transport/UDPv4TransportDescriptor.h>
#include <fastrtps/utils/IPLocator.h>

using namespace eprosima::fastdds::dds;
using namespace eprosima::fastcdr;
namespace rtps = eprosima::fastrtps::rtps;
using Bytes = std::string;  // a message in CDR
using Text = const std::string&;

// Fields in the order of the wire; a pose is an array of its numbers.
const std::map<std::string, std::vector<std::pair<std::string, std::string>>> FIELDS = {
    {"Time", {{"sec", "int32"}, {"nanosec", "uint32"}}},
    {"Header", {{"stamp", "Time"}, {"frame_id", "string"}}},
    {"ObjectHypothesis", {{"class_id", "string"}, {"score", "float64"}}},
    {"ObjectHypothesisWithPose",
     {{"hypothesis", "ObjectHypothesis"}, {"pose", "float64[7]"}, {"covariance", "float64[36]"}}},
    {"BoundingBox2D", {{"center", "float64[3]"}, {"size_x", "float64"}, {"size_y", "float64"}}},
    {"Detection2D",
     {{"header", "Header"}, {"results", "ObjectHypothesisWithPose[]"}, {"bbox", "BoundingBox2D"}, {"id", "string"}}},
    {"Detection2DArray", {{"header", "Header"}, {"detections", "Detection2D[]"}}},
    {"VisionClass", {{"class_id", "uint16"}, {"class_name", "string"}}},
    {"LabelInfo", {{"header", "Header"}, {"class_map", "VisionClass[]"}, {"threshold", "float32"}}},
};

template <typename T> T read(Cdr& cdr) {
    T value;
    cdr >> value;
    return value;
}

template <typename T> std::string written(const T& value) {
    std::ostringstream text;
    text << std::setprecision(17) << value;
    return text.str();
}

// The next value in a message, as JSON.
std::string json(Cdr& cdr, Text type) {
    if (type == "string") return written(std::quoted(read<std::string>(cdr)));
    if (type == "int32") return written(read<std::int32_t>(cdr));
    if (type == "uint16") return written(read<std::uint16_t>(cdr));
    if (type == "uint32") return written(read<std::uint32_t>(cdr));
    if (type == "float32") return written(read<float>(cdr));
    if (type == "float64") return written(read<double>(cdr));
    std::string parts;
    if (const auto open = type.find('['); open != type.npos) {
        const auto size = type.substr(open + 1, type.size() - open - 2);
        for (auto left = size.empty() ? read<std::uint32_t>(cdr) : std::stoul(size); left > 0; --left)
            parts += (parts.empty() ? "" : ", ") + json(cdr, type.substr(0, open));
        return "[" + parts + "]";
    }
    for (const auto& [name, inner] : FIELDS.at(type))
        parts += (parts.empty() ? "\"" : ", \"") + name + "\": " + json(cdr, inner);
    return "{" + parts + "}";
}

std::int64_t now() {  // nanoseconds of this clock
    return std::chrono::nanoseconds(std::chrono::system_clock::now().time_since_epoch()).count();
}

void print(Text topic, Text type, Bytes bytes) {
    FastBuffer buffer(bytes.data(), bytes.size());
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    cdr.read_encapsulation();
    const auto line = "{\"topic\": \"" + topic + "\", \"ns\": " + written(now()) + ", \"message\": " + json(cdr, type);
    std::puts((line + "}").c_str());  // in one call: lines of two threads do not mix
}

template <typename... Fields> Bytes message(const Fields&... fields) {
    FastBuffer buffer;
    Cdr cdr(buffer, Cdr::DEFAULT_ENDIAN, Cdr::DDS_CDR);
    cdr.serialize_encapsulation();
    (cdr << ... << fields);
    return {buffer.getBuffer(), cdr.getSerializedDataLength()};
}

Bytes image(const std::vector<std::uint8_t>& rgb, std::uint32_t width, std::uint32_t height, Text frame_id) {
    const auto stamp = now();
    const auto sec = static_cast<std::int32_t>(stamp / 1'000'000'000);
    const auto nanosec = static_cast<std::uint32_t>(stamp % 1'000'000'000);
    const std::uint8_t is_bigendian = 0;
    return message(sec, nanosec, frame_id, height, width, std::string("rgb8"), is_bigendian, 3 * width, rgb);
}

// A type of which DDS knows the name only: its messages come and go as the bytes they are.
struct NamedType : TopicDataType {
    explicit NamedType(Text name) {
        setName(name.c_str());
        m_typeSize = 4;  // the least that a message has; 0 is not taken
        auto_fill_type_object(false);
        auto_fill_type_information(false);
    }
    bool serialize(void* message, rtps::SerializedPayload_t* payload) override {
        const auto& bytes = *static_cast<Bytes*>(message);
        payload->length = bytes.copy(reinterpret_cast<char*>(payload->data), payload->max_size);
        return payload->length == bytes.size();
    }
    bool deserialize(rtps::SerializedPayload_t* payload, void* message) override {
        static_cast<Bytes*>(message)->assign(reinterpret_cast<char*>(payload->data), payload->length);
        return true;
    }
    std::function<std::uint32_t()> getSerializedSizeProvider(void* message) override {
        return [message] { return static_cast<Bytes*>(message)->size(); };
    }
    void* createData() override { return new Bytes; }
    void deleteData(void* message) override { delete static_cast<Bytes*>(message); }
    bool getKey(void*, rtps::InstanceHandle_t*, bool) override { return false; }
};

struct Printer : DataReaderListener {
    const std::string topic, type;

    Printer(Text topic, Text type) : topic(topic), type(type) {}
    void on_data_available(DataReader* reader) override {
        Bytes bytes;
        for (SampleInfo info; reader->take_next_sample(&bytes, &info) == ReturnCode_t::RETCODE_OK;)
            if (info.valid_data) print(topic, type, bytes);
    }
};

DomainParticipant* participant_of(int domain) {
    const auto loopback = std::make_shared<eprosima::fastdds::rtps::UDPv4TransportDescriptor>();
    loopback->interfaceWhiteList = {"127.0.0.1"};
    loopback->maxInitialPeersRange = 20;  // participants that are looked for
    rtps::Locator_t here;
    rtps::IPLocator::setIPv4(here, "127.0.0.1");
    DomainParticipantQos qos;
    qos.transport().use_builtin_transports = false;
    qos.transport().user_transports = {loopback};
    qos.wire_protocol().builtin.initialPeersList.push_back(here);
    return DomainParticipantFactory::get_instance()->create_participant(domain, qos);
}

Topic* topic(DomainParticipant* participant, Text name, Text package, Text type) {  // as ROS 2 names them on DDS
    const auto dds_type = package + "::msg::dds_::" + type + "_";
    participant->register_type(TypeSupport(new NamedType(dds_type)));
    return participant->create_topic("rt" + name, dds_type, TOPIC_QOS_DEFAULT);
}

template <typename Qos> Qos quality(bool reliable, bool latched = false) {
    Qos qos;
    qos.reliability().kind = reliable ? RELIABLE_RELIABILITY_QOS : BEST_EFFORT_RELIABILITY_QOS;
    qos.durability().kind = latched ? TRANSIENT_LOCAL_DURABILITY_QOS : VOLATILE_DURABILITY_QOS;
    qos.endpoint().history_memory_policy = rtps::DYNAMIC_RESERVE_MEMORY_MODE;  // messages of any size
    return qos;
}

int main(int argc, char** argv) {
    const auto domain = std::getenv("ROS_DOMAIN_ID");
    if (argc != 7 || !domain) {
        std::cerr << "ROS_DOMAIN_ID=N fastdds_peer FRAMES WIDTH HEIGHT HZ best_effort|reliable FRAME_ID\n";
        return 2;
    }
    std::ifstream frames(argv[1], std::ios::binary);
    const std::uint32_t width = std::stoul(argv[2]), height = std::stoul(argv[3]);
    const std::chrono::duration<double> period(1 / std::stod(argv[4]));
    const std::string reliability = argv[5], frame_id = argv[6];
    std::setvbuf(stdout, nullptr, _IOLBF, 0);

    Printer detections("/regionclip/detections", "Detection2DArray"), labels("/regionclip/label_info", "LabelInfo");
    const auto participant = participant_of(std::stoi(domain));
    const auto subscriber = participant->create_subscriber(SUBSCRIBER_QOS_DEFAULT);
    const auto publisher = participant->create_publisher(PUBLISHER_QOS_DEFAULT);
    for (auto [printer, latched] : {std::pair(&detections, false), std::pair(&labels, true)})
        subscriber->create_datareader(topic(participant, printer->topic, "vision_msgs", printer->type),
                                      quality<DataReaderQos>(true, latched), printer);
    const auto images = publisher->create_datawriter(topic(participant, "/camera/image_raw", "sensor_msgs", "Image"),
                                                     quality<DataWriterQos>(reliability == "reliable"));
    const auto prompts = publisher->create_datawriter(topic(participant, "/regionclip/prompts", "std_msgs", "String"),
                                                      quality<DataWriterQos>(true));

    std::jthread camera([&](std::stop_token ended) {
        std::vector<std::uint8_t> rgb(3 * width * height);
        for (; !ended.stop_requested(); std::this_thread::sleep_for(period)) {
            if (frames.peek() == EOF) {  // the first one again
                frames.clear();
                frames.seekg(0);
            }
            frames.read(reinterpret_cast<char*>(rgb.data()), rgb.size());
            auto taken = image(rgb, width, height, frame_id);
            print("/camera/image_raw", "Header", taken);
            images->write(&taken);
        }
    });
    for (std::string line; std::getline(std::cin, line);) {
        PublicationMatchedStatus matched;  // a volatile topic: what is said before somebody listens is lost
        while (prompts->get_publication_matched_status(matched), matched.current_count == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        auto words = message(line);
        prompts->write(&words);
    }
    camera.request_stop();
    camera.join();
    participant->delete_contained_entities();
    DomainParticipantFactory::get_instance()->delete_participant(participant);
}
